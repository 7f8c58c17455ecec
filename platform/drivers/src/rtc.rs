//! The Arm PrimeCell real-time clock PL031 (TRM DDI 0224).
//!
//! It counts seconds, by a rule of the world around it those since 1970. Its alarm and its
//! interrupt are left as they are.

use platform_api::{DeviceNode, Rtc, RtcError};
use safe_mmio::{
    UniqueMmioPointer, field, field_shared,
    fields::{ReadPure, ReadPureWrite},
};

use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &["arm,pl031"];

/// RTCCR: the counter runs (3.3.4).
const CONTROL_START: u32 = 1;

/// The registers up to the control register (3.2).
#[derive(Debug)]
#[repr(C)]
pub struct Registers {
    /// RTCDR, the seconds.
    data: ReadPure<u32>,
    /// RTCMR, the alarm.
    alarm: ReadPureWrite<u32>,
    /// RTCLR, what the seconds are set to.
    load: ReadPureWrite<u32>,
    /// RTCCR, bit 0 starts the counter.
    control: ReadPureWrite<u32>,
}

const _: () = assert!(size_of::<Registers>() == 16);

/// A PL031.
pub struct Pl031<'a> {
    registers: UniqueMmioPointer<'a, Registers>,
}

/// Takes over the clock of `node`, and starts it if it stands.
///
/// # Errors
/// If the node's first `reg` window cannot hold the registers.
///
/// # Safety
/// The node's first `reg` window is a PL031 of the running machine, mapped as device memory at
/// its physical address, and nothing but the returned value uses it.
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<Pl031<'static>, WindowError> {
    let (registers, _) = mmio::registers::<Registers>(node, 0)?;
    // SAFETY: The caller vouches for the registers and for their having no other user.
    Ok(Pl031::new(unsafe { UniqueMmioPointer::new(registers) }))
}

impl<'a> Pl031<'a> {
    /// Drives a clock, and starts it if it stands.
    pub fn new(mut registers: UniqueMmioPointer<'a, Registers>) -> Self {
        let mut control = field!(registers, control);
        if control.read() & CONTROL_START == 0 {
            control.write(CONTROL_START);
        }
        Self { registers }
    }
}

impl Rtc for Pl031<'_> {
    fn seconds(&self) -> u64 {
        u64::from(field_shared!(self.registers, data).read())
    }

    fn set_seconds(&mut self, seconds: u64) -> Result<(), RtcError> {
        let value = u32::try_from(seconds).map_err(|_| RtcError(seconds))?;
        field!(self.registers, load).write(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::ptr::NonNull;

    use super::*;

    #[test]
    fn reads_sets_and_starts() {
        let mut words = [0x5eed_u32, 0, 0, 0];
        let registers = NonNull::from(&mut words).cast();
        // SAFETY: the array is as large and as aligned as the registers, and nothing else
        // uses it before the driver is gone.
        let mut clock = Pl031::new(unsafe { UniqueMmioPointer::new(registers) });
        assert_eq!(clock.seconds(), 0x5eed);
        assert_eq!(clock.set_seconds(0x1234), Ok(()));
        assert_eq!(clock.set_seconds(1 << 32), Err(RtcError(1 << 32)));
        assert_eq!(words, [0x5eed, 0, 0x1234, 1]);
    }
}
