//! The calls themselves.

/// Calls the firmware by SMC.
pub(super) fn smc(function: u32, [a, b, c]: [u32; 3]) -> u32 {
    let [result, ..] = smccc::smc32(function, [a, b, c, 0, 0, 0, 0]);
    result
}

/// Calls the firmware by HVC.
pub(super) fn hvc(function: u32, [a, b, c]: [u32; 3]) -> u32 {
    let [result, ..] = smccc::hvc32(function, [a, b, c, 0, 0, 0, 0]);
    result
}
