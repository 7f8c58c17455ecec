//! The SD host of Broadcom's own kind in the BCM2835, BCM2836 and BCM2837, `sdhost`: it has the
//! card slot of every Raspberry Pi before the Pi 4. Data go through a FIFO of 16 words.
//!
//! There is no manual. The registers and what to do with them are taken from drivers: OpenBSD's
//! `sys/dev/fdt/bcm2835_mmc.c`, Linux's `drivers/mmc/host/bcm2835.c` (for the states of the
//! machine inside, in SDEDM), and QEMU's `hw/sd/bcm2835_sdhost.c`.

use platform_api::{Clock, DeviceNode};

use super::{
    Bus, BusWidth, Command, Data, Host, HostError, Mmio, Response, Speed,
    bus::{drain, fill},
    host::{pause, wait},
};
use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &["brcm,bcm2835-sdhost"];

/// The pins of the card slot, and that they are `sdhost`'s by their first alternative function
/// (`sdhost_gpio48` in the chips' trees).
pub const PINS: core::ops::RangeInclusive<u32> = 48..=53;

/// The highest clock that the host is driven by, where nobody knows better: it is the chip's core
/// clock, 250 MHz on a Pi 2, 400 MHz on a Pi 3.
pub const FASTEST_CORE: u32 = 400_000_000;

/// Register offsets in bytes.
const COMMAND: usize = 0x00;
const ARGUMENT: usize = 0x04;
const TIMEOUT: usize = 0x08;
const CLOCK_DIVIDER: usize = 0x0c;
const RESPONSE: [usize; 4] = [0x10, 0x14, 0x18, 0x1c];
const STATUS: usize = 0x20;
const POWER: usize = 0x30;
const DEBUG: usize = 0x34;
const CONFIGURATION: usize = 0x38;
const BYTE_COUNT: usize = 0x3c;
const DATA: usize = 0x40;
const BLOCK_COUNT: usize = 0x50;
/// Bytes of registers.
const REGISTERS: usize = 0x54;

/// COMMAND: go; it failed; it has no answer, a long one, moves data.
const NEW: u32 = 1 << 15;
const FAILED: u32 = 1 << 14;
const NO_RESPONSE: u32 = 1 << 10;
const LONG_RESPONSE: u32 = 1 << 9;
const WRITE: u32 = 1 << 7;
const READ: u32 = 1 << 6;

/// STATUS: what went wrong. Ones written clear.
const DATA_TIMEOUT: u32 = 1 << 7;
const COMMAND_TIMEOUT: u32 = 1 << 6;
const DATA_CRC: u32 = 1 << 5;
const COMMAND_CRC: u32 = 1 << 4;
const FIFO_ERROR: u32 = 1 << 3;
const DATA_ERRORS: u32 = DATA_TIMEOUT | DATA_CRC | FIFO_ERROR;
const CLEAR_ALL: u32 = 0x7f8;

/// CONFIGURATION: for slow cards, as every driver has it; four lines outside; words inside.
const SLOW_CARD: u32 = 1 << 3;
const WIDE_OUTSIDE: u32 = 1 << 2;
const WIDE_INSIDE: u32 = 1 << 1;

/// DEBUG: words in the FIFO; its thresholds, which as they come out of reset lose data; what the
/// machine inside does.
const FIFO_SHIFT: u32 = 4;
const FIFO_MASK: u32 = 0x1f;
const FIFO_WORDS: usize = 16;
const THRESHOLDS: u32 = 0x1f << 14 | 0x1f << 9;
const FOUR_WORDS: u32 = 4 << 14 | 4 << 9;
const MACHINE: u32 = 0xf;
const IDENTIFYING: u32 = 0;
const IDLE: u32 = 1;
const READ_WAIT: u32 = 4;
const WRITE_START: u32 = 0xa;
const FORCE_IDLE: u32 = 1 << 19;

/// TIMEOUT until the clock is set.
const FIRST_TIMEOUT: u32 = 0x00f0_0000;
/// CLOCK_DIVIDER: its 11 bits; the clock is divided by two more than them.
const SLOWEST: u32 = 0x7ff;
/// BLOCK_COUNT has 9 bits.
const MAX_BLOCKS: usize = 511;

/// How long the supply, a command, and data without progress may take, microseconds.
const POWER_US: u64 = 20_000;
const COMMAND_US: u64 = 200_000;
const DATA_US: u64 = 1_000_000;

/// The controller.
pub struct SdHost<B, C> {
    bus: B,
    clock: C,
    /// Its clock, Hz.
    rate: u32,
    width: BusWidth,
    configuration: u32,
    divider: (u32, u32),
}

/// The controller's registers, and no more: enough to stop it when its driver is out of reach.
#[derive(Clone, Copy, Debug)]
pub struct Registers(Mmio);

impl Registers {
    /// Stops whatever moves. A step of the handoff: cannot fail.
    pub fn stop(self) {
        self.0.set(COMMAND, 0);
        self.0.set(CONFIGURATION, 0);
        self.0.set(BLOCK_COUNT, 0);
        self.0.set(STATUS, CLEAR_ALL);
    }
}

/// Takes over the controller of `node`, which is driven by a clock of `rate` Hz.
///
/// # Errors
/// If the node's `reg` window cannot hold the registers.
///
/// # Safety
/// The node's first `reg` window is such a controller of the running machine, clocked, mapped as
/// device memory at its physical address, and nothing but the returned value uses it (but
/// [`Registers::stop`]).
pub unsafe fn probe<C: Clock>(
    node: &DeviceNode<'_>,
    rate: u32,
    clock: C,
) -> Result<SdHost<Mmio, C>, WindowError> {
    let (registers, _) = mmio::registers::<[u32; REGISTERS / 4]>(node, 0)?;
    // SAFETY: the caller's word; the window was just seen to hold the registers.
    let bus = unsafe { Mmio::new(registers.as_ptr().expose_provenance()) };
    Ok(SdHost::new(bus, clock, rate, node.bus_width))
}

impl<C: Clock> SdHost<Mmio, C> {
    /// Returns the registers, for a handoff.
    pub fn registers(&self) -> Registers {
        Registers(self.bus)
    }
}

impl<B: Bus, C: Clock> SdHost<B, C> {
    pub(super) fn new(bus: B, clock: C, rate: u32, width: Option<u32>) -> Self {
        Self {
            bus,
            clock,
            rate,
            width: match width {
                Some(width) if width >= 4 => BusWidth::Four,
                _ => BusWidth::One,
            },
            configuration: 0,
            divider: (SLOWEST, FIRST_TIMEOUT),
        }
    }

    /// Puts every register to what it is when idle, and takes the card's supply away and back.
    fn restart(&self) {
        for (register, value) in [
            (POWER, 0),
            (COMMAND, 0),
            (ARGUMENT, 0),
            (TIMEOUT, FIRST_TIMEOUT),
            (CLOCK_DIVIDER, 0),
            (STATUS, CLEAR_ALL),
            (CONFIGURATION, 0),
            (BYTE_COUNT, 0),
            (BLOCK_COUNT, 0),
        ] {
            self.bus.set(register, value);
        }
        let debug = self.bus.get(DEBUG) & !THRESHOLDS;
        self.bus.set(DEBUG, debug | FOUR_WORDS);
        pause(&self.clock, POWER_US);
        self.bus.set(POWER, 1);
        pause(&self.clock, POWER_US);
        self.apply();
    }

    /// Has the card's side take clock and width.
    fn apply(&self) {
        let (divider, timeout) = self.divider;
        self.bus.set(CONFIGURATION, self.configuration);
        self.bus.set(CLOCK_DIVIDER, divider);
        self.bus.set(TIMEOUT, timeout);
    }

    /// Sends a command; `more` says whether it moves data.
    fn send(&self, command: Command, more: u32) -> Result<[u32; 4], HostError> {
        let flags = match command.response {
            Response::None => NO_RESPONSE,
            // The line that a busy card holds is not waited for: whoever sends such a command asks
            // for the card's status next.
            Response::Short | Response::ShortBusy | Response::NoCrc => 0,
            Response::Long => LONG_RESPONSE,
        };
        let idle = || self.bus.get(COMMAND) & NEW == 0;
        wait(&self.clock, COMMAND_US, idle)?;
        self.bus.set(STATUS, CLEAR_ALL);
        self.bus.set(ARGUMENT, command.argument);
        let index = u32::from(command.index & 0x3f);
        self.bus.set(COMMAND, index | flags | more | NEW);
        wait(&self.clock, COMMAND_US, idle)?;
        let status = self.bus.get(STATUS);
        if self.bus.get(COMMAND) & FAILED != 0 {
            // An answer without a CRC is found to have a wrong one.
            let excused = status & COMMAND_TIMEOUT == 0 && command.response == Response::NoCrc;
            if !excused {
                return Err(named(status));
            }
        }
        Ok(match command.response {
            Response::None => [0; 4],
            Response::Long => RESPONSE.map(|offset| self.bus.get(offset)),
            _ => [self.bus.get(RESPONSE[0]), 0, 0, 0],
        })
    }

    /// Waits for words in the FIFO, or for room, and says how many.
    fn words(&self, count: impl Fn(usize) -> usize) -> Result<usize, HostError> {
        let level = || {
            let level = self.bus.get(DEBUG) >> FIFO_SHIFT & FIFO_MASK;
            count(usize::try_from(level).unwrap_or(0).min(FIFO_WORDS))
        };
        // Read again once the wait is over: the level only rises.
        let result = wait(&self.clock, DATA_US, || {
            level() != 0 || self.bus.get(STATUS) & DATA_ERRORS != 0
        });
        match self.bus.get(STATUS) & DATA_ERRORS {
            0 => result.map(|()| level()).map_err(|_| HostError::DataTimeout),
            errors => Err(named(errors)),
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<(), HostError> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let bytes = (self.words(|level| level)? * 4).min(rest.len());
            let (now, later) = rest.split_at_mut_checked(bytes).unwrap_or_default();
            fill(now, || self.bus.get(DATA));
            rest = later;
        }
        Ok(())
    }

    fn transmit(&self, buffer: &[u8]) -> Result<(), HostError> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let bytes = (self.words(|level| FIFO_WORDS - level)? * 4).min(rest.len());
            let (now, later) = rest.split_at_checked(bytes).unwrap_or_default();
            drain(now, |word| self.bus.set(DATA, word));
            rest = later;
        }
        Ok(())
    }

    /// Waits until the machine inside has done with the data. It stays in front of the next block
    /// of a transfer that is not at its end for the card, and has to be told.
    fn settle(&self, waiting: u32) -> Result<(), HostError> {
        let machine = || self.bus.get(DEBUG) & MACHINE;
        let done = |state| [IDENTIFYING, IDLE, waiting].contains(&state);
        wait(&self.clock, DATA_US, || done(machine())).map_err(|_| HostError::DataTimeout)?;
        if machine() == waiting {
            self.bus.set(DEBUG, self.bus.get(DEBUG) | FORCE_IDLE);
        }
        match self.bus.get(STATUS) & DATA_ERRORS {
            0 => Ok(()),
            errors => Err(named(errors)),
        }
    }

    fn exchange(
        &self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        let length = u32::try_from(data.len()).map_err(|_| HostError::Overrun)?;
        self.bus.set(BYTE_COUNT, block_size);
        self.bus.set(BLOCK_COUNT, length / block_size.max(1));
        let answer = match data {
            Data::Read(buffer) => {
                let answer = self.send(command, READ)?;
                self.receive(buffer)?;
                self.settle(READ_WAIT)?;
                answer
            }
            Data::Write(buffer) => {
                let answer = self.send(command, WRITE)?;
                self.transmit(buffer)?;
                self.settle(WRITE_START)?;
                answer
            }
        };
        if stop {
            let stop = Command {
                index: 12,
                argument: 0,
                response: Response::ShortBusy,
            };
            self.send(stop, 0)?;
        }
        Ok(answer)
    }
}

/// Names what STATUS says went wrong.
fn named(status: u32) -> HostError {
    match status {
        status if status & DATA_TIMEOUT != 0 => HostError::DataTimeout,
        status if status & DATA_CRC != 0 => HostError::DataCrc,
        status if status & FIFO_ERROR != 0 => HostError::Overrun,
        status if status & COMMAND_CRC != 0 => HostError::ResponseCrc,
        _ => HostError::NoResponse,
    }
}

/// Returns CLOCK_DIVIDER for a clock of at most `limit` Hz, and what comes of it.
fn divide(rate: u32, limit: u32) -> (u32, u32) {
    let divider = rate.div_ceil(limit.max(1)).clamp(2, SLOWEST + 2) - 2;
    (divider, rate / (divider + 2))
}

impl<B: Bus, C: Clock> Host for SdHost<B, C> {
    fn name(&self) -> &'static str {
        "sdhost-bcm2835"
    }

    fn limit(&self, _buffer: &[u8]) -> usize {
        MAX_BLOCKS * 512
    }

    fn reset(&mut self) -> Result<(), HostError> {
        self.set_bus(Speed::Identification, BusWidth::One)?;
        self.restart();
        Ok(())
    }

    fn width(&self) -> BusWidth {
        self.width
    }

    fn set_bus(&mut self, speed: Speed, width: BusWidth) -> Result<(), HostError> {
        let lines = if width == BusWidth::Four {
            WIDE_OUTSIDE
        } else {
            0
        };
        self.configuration = SLOW_CARD | WIDE_INSIDE | lines;
        let (divider, clock) = divide(self.rate, speed.limit());
        // The time a card has for data, half a second in its own clocks.
        self.divider = (divider, clock / 2);
        self.apply();
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError> {
        self.send(command, 0)
    }

    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        let result = self.exchange(command, data, block_size, stop);
        match result {
            Ok(_) => {}
            // No data came, and none are to be waited for.
            Err(HostError::NoResponse | HostError::ResponseCrc) => {
                self.bus.set(BLOCK_COUNT, 0);
                self.bus.set(DEBUG, self.bus.get(DEBUG) | FORCE_IDLE);
            }
            Err(_) => self.restart(),
        }
        result
    }

    fn quiesce(&mut self) {
        self.bus.set(COMMAND, 0);
        self.bus.set(STATUS, CLEAR_ALL);
    }
}

#[cfg(test)]
#[path = "sdhost_tests.rs"]
mod tests;
