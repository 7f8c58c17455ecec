//! What the Raspberry Pi's chips BCM2835, BCM2836 and BCM2837 have around their SD hosts: pins
//! that are given to one of them, and firmware that knows how fast their clocks are.
//!
//! Pins: BCM2835 ARM Peripherals, 6.1. Mailboxes: the wiki of raspberrypi/firmware, "Mailboxes"
//! and "Mailbox property interface".

use platform_api::{Clock, DataCache, DeviceNode};

use crate::{
    mmc::{Bus, Mmio},
    mmio::{self, WindowError},
};

/// The `compatible` strings of the pins.
pub const PINS: &[&str] = &["brcm,bcm2835-gpio"];
/// The `compatible` strings of the firmware's mailboxes.
pub const MAILBOX: &[&str] = &["brcm,bcm2835-mbox"];

/// What a pin does: its code in GPFSEL (6.1, table 6-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The first alternative: on pins 48 to 53, the SD host of its own kind, `sdhost`.
    Alternative0 = 4,
}

/// Gives pins to a function.
///
/// # Errors
/// The node's `reg` window cannot hold the registers.
///
/// # Safety
/// The node's first `reg` window is the running machine's pin controller, mapped as device memory
/// at its physical address, and nobody else changes it meanwhile.
pub unsafe fn select(
    node: &DeviceNode<'_>,
    pins: core::ops::RangeInclusive<u32>,
    function: Function,
) -> Result<(), WindowError> {
    let (registers, _) = mmio::registers::<[u32; 6]>(node, 0)?;
    // SAFETY: the caller's word; the six GPFSEL words were just seen to be in the window.
    let bus = unsafe { Mmio::new(registers.as_ptr().expose_provenance()) };
    assign(&bus, pins, function);
    Ok(())
}

/// Ten pins a register, three bits each.
fn assign(bus: &impl Bus, pins: core::ops::RangeInclusive<u32>, function: Function) {
    for pin in pins {
        let offset = usize::try_from(pin / 10 * 4).unwrap_or(0);
        let shift = pin % 10 * 3;
        let before = bus.get(offset);
        let after = before & !(7 << shift) | (function as u32) << shift;
        if after != before {
            bus.set(offset, after);
        }
    }
}

/// A clock that the firmware knows ("Unique clock IDs").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockId {
    /// Of the SDHCI.
    Emmc = 1,
    /// Of the chip's peripherals, `sdhost` among them.
    Core = 4,
    /// Of the BCM2711's SDHCI.
    Emmc2 = 12,
}

/// Mailbox 0, from the firmware: its end, and its status.
const READ: usize = 0x00;
const READ_STATUS: usize = 0x18;
/// Mailbox 1, to the firmware.
const WRITE: usize = 0x20;
const WRITE_STATUS: usize = 0x38;
/// Status: there is no room, or nothing there.
const FULL: u32 = 1 << 31;
const EMPTY: u32 = 1 << 30;
/// The channel of the properties, in a message's low bits.
const PROPERTIES: u32 = 8;
/// Tag: a clock's rate.
const GET_CLOCK_RATE: u32 = 0x0003_0002;
/// The answer's code: all was understood.
const ANSWERED: u32 = 1 << 31;
/// How long the firmware may take, microseconds.
const FIRMWARE_US: u64 = 100_000;

/// A message, alone in its cache lines.
#[repr(C, align(64))]
struct Message([u32; 16]);

/// Asks the firmware for a clock's rate, Hz. `None` if it does not know or answer.
///
/// # Safety
/// The node's first `reg` window is the running machine's mailbox, mapped as device memory at its
/// physical address, and nobody else uses it meanwhile. Memory is mapped at its physical
/// addresses; the stack is below 1 GiB.
pub unsafe fn clock_rate(
    node: &DeviceNode<'_>,
    id: ClockId,
    clock: &impl Clock,
    cache: &impl DataCache,
) -> Option<u32> {
    let (registers, _) = mmio::registers::<[u32; 16]>(node, 0).ok()?;
    // SAFETY: the caller's word; the registers were just seen to be in the window.
    let bus = unsafe { Mmio::new(registers.as_ptr().expose_provenance()) };
    ask(&bus, id, clock, cache)
}

fn ask(bus: &impl Bus, id: ClockId, clock: &impl Clock, cache: &impl DataCache) -> Option<u32> {
    let mut message = Message([0; 16]);
    let words = [32, 0, GET_CLOCK_RATE, 8, 4, id as u32, 0, 0];
    for (place, word) in message.0.iter_mut().zip(words) {
        *place = word;
    }
    let address = u32::try_from((&raw mut message).expose_provenance()).ok()?;
    maintain(&message, cache);
    let within = |done: &dyn Fn() -> bool| {
        let start = clock.microseconds();
        while !done() {
            if clock.microseconds().saturating_sub(start) > FIRMWARE_US {
                return false;
            }
        }
        true
    };
    if !within(&|| bus.get(WRITE_STATUS) & FULL == 0) {
        return None;
    }
    bus.set(WRITE, address | PROPERTIES);
    // What others asked for and never fetched comes before it.
    if !within(&|| bus.get(READ_STATUS) & EMPTY == 0 && bus.get(READ) == address | PROPERTIES) {
        return None;
    }
    maintain(&message, cache);
    // SAFETY: a pointer to the live message; volatile because the firmware has written it.
    let [_, code, _, _, _, _, rate, ..] = unsafe { (&raw const message.0).read_volatile() };
    Some(rate).filter(|&rate| code == ANSWERED && rate != 0)
}

fn maintain(message: &Message, cache: &impl DataCache) {
    let pointer = (&raw const message.0).cast::<u8>();
    // SAFETY: words, seen as the bytes they are, for this call.
    cache.clean_invalidate(unsafe { core::slice::from_raw_parts(pointer, size_of::<Message>()) });
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    struct Words(RefCell<[u32; 16]>);

    impl Bus for Words {
        fn get(&self, offset: usize) -> u32 {
            self.0.borrow()[offset / 4]
        }

        fn set(&self, offset: usize, value: u32) {
            self.0.borrow_mut()[offset / 4] = value;
        }
    }

    #[test]
    fn the_card_s_pins_are_given_away_and_no_other() {
        let bus = Words(RefCell::new([0x0924_9249; 16]));
        assign(&bus, 48..=53, Function::Alternative0);
        let words = *bus.0.borrow();
        assert_eq!(words[4], 0x0924_9249 & !(0o77 << 24) | 0o44 << 24);
        assert_eq!(words[5], 0x0924_9249 & !0o7777 | 0o4444);
        assert!(words[..4].iter().all(|&word| word == 0x0924_9249));
    }

    /// Ticks, and is a mailbox that is never empty.
    struct Silent(Cell<u64>);

    impl Clock for Silent {
        fn ticks(&self) -> u64 {
            self.0.set(self.0.get() + 1000);
            self.0.get()
        }

        fn frequency(&self) -> u32 {
            1_000_000
        }
    }

    struct NoCache;

    impl DataCache for NoCache {
        fn clean_invalidate(&self, _bytes: &[u8]) {}
    }

    #[test]
    fn firmware_that_does_not_answer_is_not_waited_for_for_ever() {
        let clock = Silent(Cell::new(0));
        for status in [FULL, EMPTY, 0] {
            let bus = Words(RefCell::new([status; 16]));
            assert_eq!(ask(&bus, ClockId::Core, &clock, &NoCache), None);
        }
    }
}
