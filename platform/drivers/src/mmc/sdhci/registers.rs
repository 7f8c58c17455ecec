//! Registers, by the word (SD Host Controller Simplified Specification 3.00, 2.2; what Freescale's
//! have elsewhere is from NXP's driver, `fsl_usdhc.c`, and QEMU's `hw/sd/sdhci.c`).
//!
//! Only whole words are read and written: some controllers take no others, and all take these.

use platform_api::Clock;

use super::variant::Variant;
use crate::mmc::{
    Bus, HostError,
    host::{pause, wait},
};

/// Offsets in bytes.
pub(super) const SYSTEM_ADDRESS: usize = 0x00;
pub(super) const BLOCKS: usize = 0x04;
pub(super) const ARGUMENT: usize = 0x08;
pub(super) const COMMAND: usize = 0x0c;
pub(super) const RESPONSE: [usize; 4] = [0x10, 0x14, 0x18, 0x1c];
pub(super) const DATA: usize = 0x20;
pub(super) const STATE: usize = 0x24;
pub(super) const HOST_CONTROL: usize = 0x28;
pub(super) const CLOCK: usize = 0x2c;
pub(super) const INTERRUPTS: usize = 0x30;
pub(super) const ENABLE: usize = 0x34;
pub(super) const SIGNAL: usize = 0x38;
/// Error status of auto CMD12, its lower half.
pub(super) const AUTO_STOP_ERROR: usize = 0x3c;
pub(super) const CAPABILITIES: usize = 0x40;
pub(super) const ADMA_ERROR: usize = 0x54;
pub(super) const ADMA_ADDRESS: usize = 0x58;
/// The specification's version, in bits 23:16.
pub(super) const VERSION: usize = 0xfc;
/// Bytes of registers.
pub(super) const REGISTERS: usize = 0x100;

/// Freescale's.
pub(super) const WATERMARK: usize = 0x44;
pub(super) const MIX_CONTROL: usize = 0x48;
pub(super) const DELAY_LINE: usize = 0x60;
pub(super) const TUNING: usize = 0x68;
pub(super) const VENDOR: usize = 0xc0;

/// BLOCKS: where SDMA stops to be told on: every 512 KiB.
pub(super) const BOUNDARY_512K: u32 = 7 << 12;

/// Transfer mode, the lower half of COMMAND, or MIX_CONTROL.
pub(super) const BY_DMA: u32 = 1 << 0;
pub(super) const COUNT_BLOCKS: u32 = 1 << 1;
pub(super) const AUTO_STOP: u32 = 1 << 2;
pub(super) const FROM_CARD: u32 = 1 << 4;
pub(super) const MANY_BLOCKS: u32 = 1 << 5;
/// Which of MIX_CONTROL's bits are that; bit 31 reads as one.
pub(super) const MIX_MODE: u32 = 0x7f;
pub(super) const MIX_RESET: u32 = 1 << 31;

/// COMMAND, its upper half: answer of 136 bits, 48, 48 and busy; its CRC and index are checked;
/// data follow; it ends others.
pub(super) const ANSWER_136: u32 = 1 << 16;
pub(super) const ANSWER_48: u32 = 2 << 16;
pub(super) const ANSWER_48_BUSY: u32 = 3 << 16;
pub(super) const CHECK_CRC: u32 = 1 << 19;
pub(super) const CHECK_INDEX: u32 = 1 << 20;
pub(super) const WITH_DATA: u32 = 1 << 21;
pub(super) const ABORT: u32 = 3 << 22;

/// STATE: no command, no data command now; Freescale's: the clock is stable; the buffer can be
/// written, read; the card is not busy, on the first data line, and Freescale's.
pub(super) const NO_COMMAND: u32 = 1 << 0;
pub(super) const NO_DATA: u32 = 1 << 1;
pub(super) const USDHC_STABLE: u32 = 1 << 3;
pub(super) const CAN_WRITE: u32 = 1 << 10;
pub(super) const CAN_READ: u32 = 1 << 11;
pub(super) const DATA_LINE: u32 = 1 << 20;
pub(super) const USDHC_DATA_LINE: u32 = 1 << 24;

/// HOST_CONTROL: four lines, high speed, eight lines; ADMA2 of 32 bits; the supply is on.
pub(super) const FOUR_LINES: u32 = 1 << 1;
pub(super) const HIGH_SPEED: u32 = 1 << 2;
pub(super) const EIGHT_LINES: u32 = 1 << 5;
pub(super) const ADMA2: u32 = 2 << 3;
pub(super) const POWER_ON: u32 = 1 << 8;
/// The supply's voltage: 3.3, 3.0, 1.8 V.
pub(super) const VOLTAGES: [(u32, u32); 3] =
    [(1 << 24, 7 << 9), (1 << 25, 6 << 9), (1 << 26, 5 << 9)];
/// Freescale's: four, eight lines; bytes in this processor's order; ADMA2.
pub(super) const USDHC_EIGHT_LINES: u32 = 2 << 1;
pub(super) const USDHC_LITTLE_ENDIAN: u32 = 2 << 4;
pub(super) const USDHC_ADMA2: u32 = 2 << 8;

/// CLOCK: inside it is on, stable; the card's is on. The longest timeout for data. Resets.
pub(super) const CLOCK_ON: u32 = 1 << 0;
pub(super) const CLOCK_STABLE: u32 = 1 << 1;
pub(super) const CARD_CLOCK: u32 = 1 << 2;
pub(super) const LONGEST_TIMEOUT: u32 = 0xe << 16;
pub(super) const RESET_ALL: u32 = 1 << 24;
pub(super) const RESET_COMMAND: u32 = 1 << 25;
pub(super) const RESET_DATA: u32 = 1 << 26;
/// Freescale's: bits that read as ones, and the card's reset line, which is low-active.
pub(super) const USDHC_ONES: u32 = 0xf;
pub(super) const USDHC_NO_CARD_RESET: u32 = 1 << 23;
/// VENDOR: the clock runs when nothing moves, too.
pub(super) const FORCE_CLOCK: u32 = 1 << 8;

/// INTERRUPTS: done with the command, with all of it; SDMA wants to know where to go on; errors.
pub(super) const COMMAND_DONE: u32 = 1 << 0;
pub(super) const TRANSFER_DONE: u32 = 1 << 1;
pub(super) const DMA_STOPPED: u32 = 1 << 3;
const BUFFER_READY: u32 = 1 << 4 | 1 << 5;
const COMMAND_TIMEOUT: u32 = 1 << 16;
const COMMAND_CRC: u32 = 1 << 17;
const COMMAND_END: u32 = 1 << 18;
const COMMAND_INDEX: u32 = 1 << 19;
const DATA_TIMEOUT: u32 = 1 << 20;
const DATA_CRC: u32 = 1 << 21;
const DATA_END: u32 = 1 << 22;
const OVERCURRENT: u32 = 1 << 23;
const AUTO_STOP_FAILED: u32 = 1 << 24;
const ADMA_FAILED: u32 = 1 << 25;
/// Freescale's place for ADMA_FAILED.
const USDHC_DMA_FAILED: u32 = 1 << 28;
pub(super) const ERRORS: u32 = COMMAND_TIMEOUT
    | COMMAND_CRC
    | COMMAND_END
    | COMMAND_INDEX
    | DATA_TIMEOUT
    | DATA_CRC
    | DATA_END
    | OVERCURRENT
    | AUTO_STOP_FAILED
    | ADMA_FAILED
    | USDHC_DMA_FAILED;
/// What shows in INTERRUPTS.
pub(super) const SHOWN: u32 = ERRORS | COMMAND_DONE | TRANSFER_DONE | DMA_STOPPED | BUFFER_READY;

/// CAPABILITIES.
pub(super) const CAN_8_LINES: u32 = 1 << 18;
pub(super) const CAN_ADMA2: u32 = 1 << 19;
/// Freescale's place for CAN_ADMA2.
pub(super) const USDHC_CAN_ADMA2: u32 = 1 << 20;
pub(super) const CAN_HIGH_SPEED: u32 = 1 << 21;
pub(super) const CAN_SDMA: u32 = 1 << 22;

/// How long a reset may take, microseconds.
pub(super) const RESET_US: u64 = 250_000;

/// The registers, and how they want to be written.
pub(super) struct Port<B, C> {
    pub bus: B,
    pub clock: C,
    pub variant: &'static Variant,
    /// How long two of the card's clocks are, microseconds.
    pub gap_us: u64,
}

impl<B: Bus, C: Clock> Port<B, C> {
    pub fn get(&self, offset: usize) -> u32 {
        self.bus.get(offset)
    }

    pub fn set(&self, offset: usize, value: u32) {
        self.bus.set(offset, value);
        if self.variant.slow_writes {
            pause(&self.clock, self.gap_us);
        }
    }

    /// Resets what `bits` of CLOCK name.
    pub fn reset(&self, bits: u32) -> Result<(), HostError> {
        self.set(CLOCK, self.get(CLOCK) | bits);
        wait(&self.clock, RESET_US, || self.get(CLOCK) & bits == 0)
    }

    /// Waits until one of `bits` shows in INTERRUPTS and returns what shows, or names the error
    /// that shows instead.
    pub fn interrupt(&self, bits: u32, limit_us: u64) -> Result<u32, HostError> {
        let result = wait(&self.clock, limit_us, || {
            self.get(INTERRUPTS) & (ERRORS | bits) != 0
        });
        let shown = self.get(INTERRUPTS);
        match shown & ERRORS {
            0 => result.map(|()| shown),
            errors => Err(self.named(errors)),
        }
    }

    /// Names the first error that shows: those of the command come before those of its data.
    pub fn named(&self, errors: u32) -> HostError {
        match errors & errors.wrapping_neg() {
            COMMAND_TIMEOUT => HostError::NoResponse,
            COMMAND_CRC | COMMAND_END => HostError::ResponseCrc,
            COMMAND_INDEX => HostError::ResponseIndex,
            DATA_TIMEOUT => HostError::DataTimeout,
            DATA_CRC | DATA_END => HostError::DataCrc,
            OVERCURRENT => HostError::Overcurrent,
            AUTO_STOP_FAILED => HostError::AutoStop(self.get(AUTO_STOP_ERROR) & 0xffff),
            _ => HostError::Dma(self.get(ADMA_ERROR)),
        }
    }
}
