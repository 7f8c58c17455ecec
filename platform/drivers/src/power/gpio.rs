//! A GPIO line that resets the machine or turns it off: `gpio-restart` and `gpio-poweroff`, as
//! QEMU's virt has them for its secure state.

use platform_api::Step;

/// The `compatible` strings of the controllers whose lines can be driven.
pub const COMPATIBLE: &[&str] = &["arm,pl061"];

/// GPIODIR (Arm DDI 0190, 3.3.2): a 1 makes a line an output.
const DIRECTION: u32 = 0x400;
/// How many lines a PL061 has.
const LINES: u32 = 8;

/// Returns how `line` of the PL061 at `base` is driven, high or low.
pub fn drive(base: u32, line: u32, high: bool) -> Option<[Step; 2]> {
    let bit = (line < LINES).then(|| 1u32 << line)?;
    Some([
        Step::Set {
            at: base.wrapping_add(DIRECTION),
            bits: bit,
        },
        // GPIODATA: bits 9:2 of the address are a mask of what is written (3.3.1). It reaches
        // outputs alone, so it comes second.
        Step::Write {
            at: base.wrapping_add(bit << 2),
            value: if high { bit } else { 0 },
        },
    ])
}
