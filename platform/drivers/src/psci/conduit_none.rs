//! A host has no firmware to call: every call is NOT_SUPPORTED.

/// Answers NOT_SUPPORTED.
pub(super) fn smc(_function: u32, _arguments: [u32; 3]) -> u32 {
    u32::MAX
}

/// Answers NOT_SUPPORTED.
pub(super) fn hvc(_function: u32, _arguments: [u32; 3]) -> u32 {
    u32::MAX
}
