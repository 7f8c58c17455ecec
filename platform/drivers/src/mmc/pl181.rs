//! The Arm PrimeCell Multimedia Card Interface PL180 and PL181 (DDI 0172, DDI 0205): data go
//! through a FIFO of 16 words, half of it at a time.
//!
//! The first stage or reset has switched the controller's clock on: MCLK is 24 MHz or more on
//! every board that has one, and the card's clock is that or a part of it.

use platform_api::{Clock, DeviceNode};

use super::{
    BusWidth, Command, Data, Host, HostError, Response, Speed,
    host::{pause, wait},
};
use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to. Others' variants (ST's) have deeper FIFOs and
/// other bits, and list strings of their own.
pub const COMPATIBLE: &[&str] = &["arm,pl180", "arm,pl181"];

/// Register offsets in bytes (DDI 0172 table 3-1).
const POWER: usize = 0x00;
const CLOCK: usize = 0x04;
const ARGUMENT: usize = 0x08;
const COMMAND: usize = 0x0c;
const RESPONSE: [usize; 4] = [0x14, 0x18, 0x1c, 0x20];
const DATA_TIMER: usize = 0x24;
const DATA_LENGTH: usize = 0x28;
const DATA_CONTROL: usize = 0x2c;
const STATUS: usize = 0x34;
const CLEAR: usize = 0x38;
const MASK: [usize; 2] = [0x3c, 0x40];
const FIFO: usize = 0x80;
/// Bytes of registers.
const REGISTERS: usize = 0xc0;

/// POWER: on.
const POWER_ON: u32 = 3;
/// CLOCK: enabled, undivided, four lines; bits 7:0: divide by twice one more than them.
const CLOCK_ENABLE: u32 = 1 << 8;
const CLOCK_BYPASS: u32 = 1 << 10;
const WIDE_BUS: u32 = 1 << 11;
/// 24 MHz become 400 kHz, and less if MCLK were lower; the fastest MCLK, 100 MHz, needs 124.
const IDENTIFICATION_DIVIDER: u32 = 124;

/// COMMAND: an answer is expected, it is long; go.
const WANT_RESPONSE: u32 = 1 << 6;
const LONG_RESPONSE: u32 = 1 << 7;
const ENABLE: u32 = 1 << 10;

/// DATA_CONTROL: go, from the card; bits 7:4: log2 of the block size.
const DATA_ENABLE: u32 = 1 << 0;
const FROM_CARD: u32 = 1 << 1;

/// STATUS.
const COMMAND_CRC: u32 = 1 << 0;
const DATA_CRC: u32 = 1 << 1;
const COMMAND_TIMEOUT: u32 = 1 << 2;
const DATA_TIMEOUT: u32 = 1 << 3;
const UNDERRUN: u32 = 1 << 4;
const OVERRUN: u32 = 1 << 5;
const RESPONSE_END: u32 = 1 << 6;
const COMMAND_SENT: u32 = 1 << 7;
const DATA_END: u32 = 1 << 8;
const TRANSMIT_HALF_EMPTY: u32 = 1 << 14;
const RECEIVE_HALF_FULL: u32 = 1 << 15;
const RECEIVE_AVAILABLE: u32 = 1 << 21;
/// What CLEAR takes away.
const CLEAR_ALL: u32 = 0x7ff;
const DATA_ERRORS: u32 = DATA_CRC | DATA_TIMEOUT | UNDERRUN | OVERRUN;

/// Bytes that half of the FIFO holds.
const HALF: usize = 8 * 4;
/// The length register has 16 bits.
const MAX_TRANSFER: usize = 127 * 512;

/// How long a command may take, and data make no progress, microseconds.
const COMMAND_US: u64 = 200_000;
const DATA_US: u64 = 1_000_000;

/// The controller.
pub struct Pl181<C> {
    registers: Registers,
    clock: C,
    width: BusWidth,
}

/// The controller's registers, and no more: enough to stop it when its driver is out of reach.
#[derive(Clone, Copy, Debug)]
pub struct Registers(usize);

impl Registers {
    fn get(self, offset: usize) -> u32 {
        // SAFETY: `probe`'s caller vouched for the window, which holds the register; all are
        // words.
        unsafe { mmio::read(self.0 + offset, false) }
    }

    fn set(self, offset: usize, value: u32) {
        // SAFETY: as in `get`.
        unsafe { mmio::write(self.0 + offset, value, false) }
    }

    /// Stops whatever moves. A step of the handoff: cannot fail.
    pub fn stop(self) {
        self.set(COMMAND, 0);
        self.set(DATA_CONTROL, 0);
        for mask in MASK {
            self.set(mask, 0);
        }
        self.set(CLEAR, CLEAR_ALL);
    }
}

/// Takes over the controller of `node`.
///
/// # Errors
/// If the node's `reg` window cannot hold the registers.
///
/// # Safety
/// The node's first `reg` window is such a controller of the running machine, clocked, mapped as
/// device memory at its physical address, and nothing but the returned value uses it (but
/// [`Registers::stop`]).
pub unsafe fn probe<C: Clock>(node: &DeviceNode<'_>, clock: C) -> Result<Pl181<C>, WindowError> {
    let (registers, _) = mmio::registers::<[u32; REGISTERS / 4]>(node, 0)?;
    Ok(Pl181 {
        registers: Registers(registers.as_ptr().expose_provenance()),
        clock,
        // One line is what every version has; PL181 has four, and boards that wire them say so.
        width: match node.bus_width {
            Some(4) => BusWidth::Four,
            _ => BusWidth::One,
        },
    })
}

impl<C: Clock> Pl181<C> {
    /// Returns the registers, for a handoff.
    pub fn registers(&self) -> Registers {
        self.registers
    }

    fn get(&self, offset: usize) -> u32 {
        self.registers.get(offset)
    }

    fn set(&self, offset: usize, value: u32) {
        self.registers.set(offset, value);
    }

    fn send(&self, command: Command) -> Result<[u32; 4], HostError> {
        let (flags, done) = match command.response {
            Response::None => (0, COMMAND_SENT),
            Response::Long => (WANT_RESPONSE | LONG_RESPONSE, RESPONSE_END),
            _ => (WANT_RESPONSE, RESPONSE_END),
        };
        self.set(CLEAR, CLEAR_ALL);
        self.set(ARGUMENT, command.argument);
        self.set(COMMAND, u32::from(command.index & 0x3f) | flags | ENABLE);
        let over = done | COMMAND_CRC | COMMAND_TIMEOUT;
        let result = wait(&self.clock, COMMAND_US, || self.get(STATUS) & over != 0);
        let status = self.get(STATUS);
        self.set(CLEAR, CLEAR_ALL & !DATA_ERRORS & !DATA_END);
        self.set(COMMAND, 0);
        result?;
        if status & COMMAND_TIMEOUT != 0 {
            return Err(HostError::NoResponse);
        }
        // The controller checks a CRC where the answer has none, too (DDI 0172 2.3.4).
        if status & COMMAND_CRC != 0 && command.response != Response::NoCrc {
            return Err(HostError::ResponseCrc);
        }
        let words = RESPONSE.map(|offset| self.get(offset));
        let [first, second, third, fourth] = words;
        Ok(match command.response {
            // The most significant word comes first, and the last has lost its CRC.
            Response::Long => [fourth, third, second, first],
            _ => [first, 0, 0, 0],
        })
    }

    fn start_data(&self, length: usize, block_size: u32, direction: u32) {
        self.set(DATA_TIMER, u32::MAX);
        self.set(DATA_LENGTH, u32::try_from(length).unwrap_or(0));
        let control = block_size.ilog2() << 4 | direction | DATA_ENABLE;
        self.set(DATA_CONTROL, control);
    }

    /// Waits for one of `bits`, and names an error that shows instead.
    fn data_status(&self, bits: u32) -> Result<u32, HostError> {
        // Mostly it is there: no look at the clock for each half of the FIFO.
        let status = self.get(STATUS);
        if status & bits != 0 && status & DATA_ERRORS == 0 {
            return Ok(status);
        }
        let result = wait(&self.clock, DATA_US, || {
            self.get(STATUS) & (bits | DATA_ERRORS) != 0
        });
        let status = self.get(STATUS);
        match status & DATA_ERRORS {
            0 => result.map(|()| status).map_err(|_| HostError::DataTimeout),
            errors if errors & DATA_TIMEOUT != 0 => Err(HostError::DataTimeout),
            errors if errors & DATA_CRC != 0 => Err(HostError::DataCrc),
            _ => Err(HostError::Overrun),
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<(), HostError> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let status = self.data_status(RECEIVE_HALF_FULL | RECEIVE_AVAILABLE)?;
            let room = rest.len();
            let now = if status & RECEIVE_HALF_FULL != 0 {
                HALF.min(room)
            } else {
                4.min(room)
            };
            let (now, more) = rest.split_at_mut_checked(now).ok_or(HostError::Overrun)?;
            // Whole blocks are whole words; the few bytes that CMD6 and its like answer, too.
            let (words, _) = now.as_chunks_mut::<4>();
            for word in words {
                *word = self.get(FIFO).to_le_bytes();
            }
            rest = more;
            self.look_up(rest.len());
        }
        Ok(())
    }

    /// Looks at the clock once a block, which is also when the console's receiver is emptied.
    fn look_up(&self, left: usize) {
        if left.is_multiple_of(512) {
            let _ = self.clock.ticks();
        }
    }

    fn transmit(&self, buffer: &[u8]) -> Result<(), HostError> {
        let mut left = buffer.len();
        for half in buffer.chunks(HALF) {
            self.data_status(TRANSMIT_HALF_EMPTY)?;
            let (words, _) = half.as_chunks::<4>();
            for word in words {
                self.set(FIFO, u32::from_le_bytes(*word));
            }
            left -= half.len();
            self.look_up(left);
        }
        Ok(())
    }

    fn exchange(
        &self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
    ) -> Result<[u32; 4], HostError> {
        let length = data.len();
        let answer = match data {
            Data::Read(buffer) => {
                // Before the command: the card sends when it pleases.
                self.start_data(length, block_size, FROM_CARD);
                let answer = self.send(command)?;
                self.receive(buffer)?;
                answer
            }
            Data::Write(buffer) => {
                let answer = self.send(command)?;
                self.start_data(length, block_size, 0);
                self.transmit(buffer)?;
                answer
            }
        };
        self.data_status(DATA_END)?;
        Ok(answer)
    }
}

impl<C: Clock> Host for Pl181<C> {
    fn name(&self) -> &'static str {
        "MMC"
    }

    fn limit(&self, _buffer: &[u8]) -> usize {
        MAX_TRANSFER
    }

    fn reset(&mut self) -> Result<(), HostError> {
        self.registers.stop();
        self.set(POWER, POWER_ON);
        pause(&self.clock, 1_000);
        self.set_bus(Speed::Identification, BusWidth::One)?;
        pause(&self.clock, 1_000);
        Ok(())
    }

    fn width(&self) -> BusWidth {
        self.width
    }

    fn set_bus(&mut self, speed: Speed, width: BusWidth) -> Result<(), HostError> {
        let rate = match speed {
            Speed::Identification => IDENTIFICATION_DIVIDER,
            Speed::Default | Speed::High => CLOCK_BYPASS,
        };
        let lines = if width == BusWidth::Four { WIDE_BUS } else { 0 };
        self.set(CLOCK, rate | lines | CLOCK_ENABLE);
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError> {
        // The controller does not see the line that a busy card holds: whoever sends such a
        // command asks for the card's status next.
        self.send(command)
    }

    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        let result = self.exchange(command, data, block_size);
        self.set(DATA_CONTROL, 0);
        self.set(CLEAR, CLEAR_ALL);
        let answer = result?;
        if stop {
            self.send(Command {
                index: 12,
                argument: 0,
                response: Response::ShortBusy,
            })?;
        }
        Ok(answer)
    }

    fn quiesce(&mut self) {
        self.registers.stop();
    }
}
