//! Allwinner's SD/MMC host with its internal DMA controller.
//!
//! Registers: Allwinner H3 Datasheet V1.2, 5.3 (A20 User Manual 4.x has the same; A10's
//! descriptors hold less). Data moves by a chain of descriptors straight between the card and
//! the caller's memory.
//!
//! The first stage has switched the controller's clocks, its reset and its pins on, and its module
//! clock is the rate it ran the card at: U-Boot leaves it at the card's own limit, 50 MHz at most.
//! So only the divider inside the controller is used, and nothing of the clock unit is touched.

use alloc::vec::Vec;

use platform_api::{Clock, DataCache, DeviceNode};
use zerocopy::{Immutable, IntoBytes};

use super::{
    BusWidth, Command, Data, Host, HostError, Response, Speed,
    dma::{BOUNCE, Path, is_aligned, publish},
    host::{pause, wait},
};
use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to: controllers whose FIFO and descriptors are
/// those of the A20.
pub const COMPATIBLE: &[&str] = &["allwinner,sun5i-a13-mmc", "allwinner,sun7i-a20-mmc"];

/// Register offsets in bytes (H3 5.3.4).
const GLOBAL_CONTROL: usize = 0x00;
const CLOCK_CONTROL: usize = 0x04;
const TIMEOUT: usize = 0x08;
const BUS_WIDTH: usize = 0x0c;
const BLOCK_SIZE: usize = 0x10;
const BYTE_COUNT: usize = 0x14;
const COMMAND: usize = 0x18;
const ARGUMENT: usize = 0x1c;
const RESPONSE: [usize; 4] = [0x20, 0x24, 0x28, 0x2c];
const INTERRUPT_MASK: usize = 0x30;
const INTERRUPTS: usize = 0x38;
const STATUS: usize = 0x3c;
const FIFO_LEVELS: usize = 0x40;
const DMA_CONTROL: usize = 0x80;
const DMA_LIST: usize = 0x84;
const DMA_STATUS: usize = 0x88;
const DMA_INTERRUPTS: usize = 0x8c;
/// Bytes of registers used.
const REGISTERS: usize = 0x90;

/// GLOBAL_CONTROL: reset controller, FIFO and DMA (each clears itself), DMA on.
const RESET_ALL: u32 = 1 << 2 | 1 << 1 | 1 << 0;
const RESET_FIFO: u32 = 1 << 1;
const RESET_DMA: u32 = 1 << 2;
const DMA_ENABLE: u32 = 1 << 5;
/// GLOBAL_CONTROL: the FIFO is read and written by the CPU.
const FIFO_BY_AHB: u32 = 1 << 31;

/// CLOCK_CONTROL: the card's clock is on; bits 7:0 divide by twice their value, 0 by one.
const CLOCK_ON: u32 = 1 << 16;
/// For the highest module clock there is, 100 MHz, to be 400 kHz or less.
const IDENTIFICATION_DIVIDER: u32 = 125;

/// COMMAND: a response is expected, it is long, its CRC is checked.
const EXPECT_RESPONSE: u32 = 1 << 6;
const LONG_RESPONSE: u32 = 1 << 7;
const CHECK_CRC: u32 = 1 << 8;
/// COMMAND: data follow, to the card, and the controller sends CMD12 behind them.
const WITH_DATA: u32 = 1 << 9;
const TO_CARD: u32 = 1 << 10;
const AUTO_STOP: u32 = 1 << 12;
/// COMMAND: wait for data on their way; stop them; send 80 clocks first; take a new clock only.
const WAIT_PREVIOUS: u32 = 1 << 13;
const STOP_ABORT: u32 = 1 << 14;
const INITIALISE: u32 = 1 << 15;
const CLOCK_ONLY: u32 = 1 << 21;
const START: u32 = 1 << 31;

/// INTERRUPTS (raw): what went wrong.
const RESPONSE_ERROR: u32 = 1 << 1;
const RESPONSE_CRC: u32 = 1 << 6;
const DATA_CRC: u32 = 1 << 7;
const RESPONSE_TIMEOUT: u32 = 1 << 8;
const DATA_TIMEOUT: u32 = 1 << 9;
const FIFO_ERROR: u32 = 1 << 11;
const HARDWARE_LOCKED: u32 = 1 << 12;
const START_BIT: u32 = 1 << 13;
const END_BIT: u32 = 1 << 15;
const ERRORS: u32 = RESPONSE_ERROR
    | RESPONSE_CRC
    | DATA_CRC
    | RESPONSE_TIMEOUT
    | DATA_TIMEOUT
    | FIFO_ERROR
    | HARDWARE_LOCKED
    | START_BIT
    | END_BIT;
/// INTERRUPTS (raw): the command, the data, the CMD12 behind them are done.
const COMMAND_DONE: u32 = 1 << 2;
const DATA_DONE: u32 = 1 << 3;
const AUTO_STOP_DONE: u32 = 1 << 14;

/// STATUS: the card holds the data line down.
const CARD_BUSY: u32 = 1 << 9;

/// FIFO_LEVELS: bursts of 8 words; ask when 8 words can be read or written.
const FIFO_TRIGGERS: u32 = 2 << 28 | 7 << 16 | 8;

/// DMA_CONTROL: reset; bursts of a fixed size; on.
const DMA_RESET: u32 = 1 << 0;
const DMA_FIXED_BURST: u32 = 1 << 1;
const DMA_ON: u32 = 1 << 7;
/// DMA_STATUS: a bus error, or a descriptor that is not the controller's; write ones to clear.
const DMA_ERRORS: u32 = 1 << 2 | 1 << 4;
const DMA_CLEAR: u32 = 0x337;

/// Descriptor: last, first, chained by address, owned by the controller.
const LAST: u32 = 1 << 2;
const FIRST: u32 = 1 << 3;
const CHAINED: u32 = 1 << 4;
const OWNED: u32 = 1 << 31;
/// Bytes a descriptor moves: less than the 64 KiB that A20's 16 bits can say, as a size of 0 would.
const PIECE: usize = 0x8000;
/// Descriptors: 8 MiB in a command.
const DESCRIPTORS: usize = 256;

/// How long a reset, a command, a card that is busy, and a byte of data at the slowest may take,
/// microseconds. The controller's own timeouts are shorter; these end a wait for a dead one.
const RESET_US: u64 = 250_000;
const COMMAND_US: u64 = 500_000;
const BUSY_US: u64 = 2_000_000;
const DATA_US: u64 = 1_000_000;
const BYTES_PER_US: u64 = 1;

/// A descriptor (H3 5.3.3.6): flags, size, address, next.
#[repr(C, align(16))]
#[derive(Clone, Copy, Default, IntoBytes, Immutable)]
struct Descriptor([u32; 4]);

/// The controller.
pub struct Sunxi<C, D> {
    base: usize,
    clock: C,
    width: BusWidth,
    descriptors: Vec<Descriptor>,
    /// Lent out while data move.
    path: Option<Path<D>>,
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

    /// Stops the DMA, and whatever moves. A step of the handoff: cannot fail.
    pub fn stop(self) {
        self.set(DMA_CONTROL, 0);
        self.set(INTERRUPT_MASK, 0);
        self.set(DMA_INTERRUPTS, 0);
        self.set(GLOBAL_CONTROL, RESET_ALL);
        // It resets in a few clocks; one that is dead does not move data either.
        for _ in 0..100_000 {
            if self.get(GLOBAL_CONTROL) & RESET_ALL == 0 {
                break;
            }
        }
        self.set(INTERRUPTS, u32::MAX);
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
/// [`Registers::stop`]). Memory is mapped at its physical addresses, and the heap is in memory
/// that the controller can reach.
pub unsafe fn probe<C: Clock, D: DataCache>(
    node: &DeviceNode<'_>,
    clock: C,
    cache: D,
) -> Result<Sunxi<C, D>, WindowError> {
    let (registers, _) = mmio::registers::<[u32; REGISTERS / 4]>(node, 0)?;
    Ok(Sunxi {
        base: registers.as_ptr().expose_provenance(),
        clock,
        width: match node.bus_width {
            Some(width) if width < 4 => BusWidth::One,
            Some(8) => BusWidth::Eight,
            _ => BusWidth::Four,
        },
        descriptors: alloc::vec![Descriptor::default(); DESCRIPTORS],
        path: Some(Path::new(cache, BOUNCE)),
    })
}

impl<C: Clock, D: DataCache> Sunxi<C, D> {
    /// Returns the registers, for a handoff.
    pub fn registers(&self) -> Registers {
        Registers(self.base)
    }

    fn get(&self, offset: usize) -> u32 {
        self.registers().get(offset)
    }

    fn set(&self, offset: usize, value: u32) {
        self.registers().set(offset, value);
    }

    /// Has the card's side take what CLOCK_CONTROL says.
    fn update_clock(&self, control: u32) -> Result<(), HostError> {
        self.set(CLOCK_CONTROL, control);
        self.set(COMMAND, START | CLOCK_ONLY | WAIT_PREVIOUS);
        let result = wait(&self.clock, RESET_US, || self.get(COMMAND) & START == 0);
        self.set(INTERRUPTS, u32::MAX);
        result
    }

    /// Waits until one of `bits` shows, and names the error if there is one.
    fn finish(&self, bits: u32, limit_us: u64) -> Result<(), HostError> {
        let result = wait(&self.clock, limit_us, || {
            let raw = self.get(INTERRUPTS);
            raw & ERRORS != 0 || raw & bits == bits
        });
        match self.get(INTERRUPTS) & ERRORS {
            0 => result,
            raw if raw & (RESPONSE_TIMEOUT | RESPONSE_ERROR) != 0 => Err(HostError::NoResponse),
            raw if raw & RESPONSE_CRC != 0 => Err(HostError::ResponseCrc),
            raw if raw & DATA_TIMEOUT != 0 => Err(HostError::DataTimeout),
            raw if raw & (DATA_CRC | START_BIT | END_BIT) != 0 => Err(HostError::DataCrc),
            _ => Err(HostError::Overrun),
        }
    }

    /// Brings the controller back after a failure, the clock and the width kept.
    fn recover(&mut self) {
        let (control, width) = (self.get(CLOCK_CONTROL), self.get(BUS_WIDTH));
        if self.restart().is_ok() {
            self.set(BUS_WIDTH, width);
            let _ = self.update_clock(control);
        }
    }

    fn restart(&mut self) -> Result<(), HostError> {
        self.set(GLOBAL_CONTROL, RESET_ALL);
        wait(&self.clock, RESET_US, || {
            self.get(GLOBAL_CONTROL) & RESET_ALL == 0
        })?;
        self.set(FIFO_LEVELS, FIFO_TRIGGERS);
        self.set(TIMEOUT, u32::MAX);
        self.set(INTERRUPT_MASK, 0);
        self.set(INTERRUPTS, u32::MAX);
        Ok(())
    }

    fn flags(command: Command) -> u32 {
        let response = match command.response {
            Response::None => 0,
            Response::Short | Response::ShortBusy => EXPECT_RESPONSE | CHECK_CRC,
            Response::NoCrc => EXPECT_RESPONSE,
            Response::Long => EXPECT_RESPONSE | LONG_RESPONSE | CHECK_CRC,
        };
        let special = match command.index {
            0 => INITIALISE,
            12 => STOP_ABORT,
            _ => WAIT_PREVIOUS,
        };
        START | response | special | u32::from(command.index & 0x3f)
    }

    fn answer(&self) -> [u32; 4] {
        RESPONSE.map(|offset| self.get(offset))
    }

    /// Fills the chain for `length` bytes at `address`, and writes it to memory.
    fn chain(&mut self, cache: &D, address: usize, length: usize) -> Result<(), HostError> {
        let word = |value: usize| u32::try_from(value).map_err(|_| HostError::Dma(0));
        let pieces = length.div_ceil(PIECE);
        let base = self.descriptors.as_ptr().expose_provenance();
        for (index, descriptor) in self.descriptors.iter_mut().take(pieces).enumerate() {
            let offset = index * PIECE;
            let mut flags = OWNED | CHAINED;
            if index == 0 {
                flags |= FIRST;
            }
            let mut next = base + (index + 1) * size_of::<Descriptor>();
            if index + 1 == pieces {
                flags |= LAST;
                next = 0;
            }
            let size = PIECE.min(length - offset);
            *descriptor = Descriptor([flags, word(size)?, word(address + offset)?, word(next)?]);
        }
        publish(cache, self.descriptors.get(..pieces).unwrap_or_default());
        Ok(())
    }

    /// Runs a command whose data lie at `address`, aligned for DMA.
    fn run(
        &mut self,
        cache: &D,
        command: Command,
        (address, length): (usize, usize),
        block_size: u32,
        more: u32,
    ) -> Result<[u32; 4], HostError> {
        self.chain(cache, address, length)?;
        let list = u32::try_from(self.descriptors.as_ptr().expose_provenance());
        self.set(INTERRUPTS, u32::MAX);
        self.set(BLOCK_SIZE, block_size);
        self.set(BYTE_COUNT, u32::try_from(length).unwrap_or(0));
        let control = self.get(GLOBAL_CONTROL) & !FIFO_BY_AHB;
        self.set(
            GLOBAL_CONTROL,
            control | DMA_ENABLE | RESET_DMA | RESET_FIFO,
        );
        wait(&self.clock, RESET_US, || {
            self.get(GLOBAL_CONTROL) & (RESET_DMA | RESET_FIFO) == 0
        })?;
        self.set(DMA_STATUS, DMA_CLEAR);
        self.set(DMA_CONTROL, DMA_RESET);
        self.set(DMA_LIST, list.unwrap_or(0));
        self.set(DMA_CONTROL, DMA_FIXED_BURST | DMA_ON);
        self.set(ARGUMENT, command.argument);
        self.set(COMMAND, Self::flags(command) | WITH_DATA | more);
        let stop = if more & AUTO_STOP != 0 {
            AUTO_STOP_DONE
        } else {
            0
        };
        let limit = DATA_US + length as u64 / BYTES_PER_US;
        let result = self.finish(COMMAND_DONE | DATA_DONE | stop, limit);
        let answer = self.answer();
        let dma = self.get(DMA_STATUS);
        self.set(DMA_STATUS, DMA_CLEAR);
        self.set(DMA_CONTROL, 0);
        self.set(INTERRUPTS, u32::MAX);
        result?;
        if dma & DMA_ERRORS != 0 {
            return Err(HostError::Dma(dma));
        }
        Ok(answer)
    }
}

impl<C: Clock, D: DataCache> Host for Sunxi<C, D> {
    fn name(&self) -> &'static str {
        "sunxi-mmc"
    }

    fn limit(&self, buffer: &[u8]) -> usize {
        if is_aligned(buffer) {
            PIECE * DESCRIPTORS
        } else {
            BOUNCE
        }
    }

    fn reset(&mut self) -> Result<(), HostError> {
        self.restart()?;
        self.set_bus(Speed::Identification, BusWidth::One)?;
        pause(&self.clock, 1_000);
        Ok(())
    }

    fn width(&self) -> BusWidth {
        self.width
    }

    fn set_bus(&mut self, speed: Speed, width: BusWidth) -> Result<(), HostError> {
        self.set(
            BUS_WIDTH,
            match width {
                BusWidth::One => 0,
                BusWidth::Four => 1,
                BusWidth::Eight => 2,
            },
        );
        let divider = match speed {
            Speed::Identification => IDENTIFICATION_DIVIDER,
            Speed::Default => 1,
            Speed::High => 0,
        };
        self.update_clock(0)?;
        self.update_clock(divider)?;
        self.update_clock(divider | CLOCK_ON)
    }

    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError> {
        self.set(INTERRUPTS, u32::MAX);
        self.set(ARGUMENT, command.argument);
        self.set(COMMAND, Self::flags(command));
        let mut result = self.finish(COMMAND_DONE, COMMAND_US);
        let answer = self.answer();
        if result.is_ok() && command.response == Response::ShortBusy {
            result = wait(&self.clock, BUSY_US, || self.get(STATUS) & CARD_BUSY == 0);
        }
        self.set(INTERRUPTS, u32::MAX);
        if result.is_err() {
            self.recover();
        }
        result.map(|()| answer)
    }

    fn transfer(
        &mut self,
        command: Command,
        mut data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        let mut more = if stop { AUTO_STOP } else { 0 };
        if matches!(data, Data::Write(_)) {
            more |= TO_CARD;
        }
        let length = data.len();
        let mut path = self.path.take();
        let result = path.as_mut().and_then(|path| {
            path.run(&mut data, |cache, address| {
                self.run(cache, command, (address, length), block_size, more)
            })
        });
        self.path = path;
        let result = result.unwrap_or(Err(HostError::Dma(0)));
        if result.is_err() {
            self.recover();
        }
        result
    }

    fn quiesce(&mut self) {
        self.registers().stop();
    }
}
