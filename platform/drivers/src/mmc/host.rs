//! What a host controller can do.

use alloc::boxed::Box;
use core::fmt;

use platform_api::Clock;
use sdio_host::common_cmd::{Cmd, Resp, ResponseLen};

/// Data lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BusWidth {
    /// One.
    One = 1,
    /// Four.
    Four = 4,
    /// Eight, eMMC alone.
    Eight = 8,
}

/// How fast the clock may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// Up to 400 kHz, while the card is identified (SD 4.2.1).
    Identification,
    /// Up to 25 MHz.
    Default,
    /// Up to 50 MHz, once the card was switched (SD 4.3.10, eMMC 6.6.4).
    High,
}

impl Speed {
    /// Returns the most the clock may be, Hz.
    pub const fn limit(self) -> u32 {
        match self {
            Self::Identification => 400_000,
            Self::Default => 25_000_000,
            Self::High => 50_000_000,
        }
    }
}

/// What a card answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Nothing.
    None,
    /// 32 bits with a CRC: R1, R6, R7.
    Short,
    /// R1, and the card holds the line down while it is busy.
    ShortBusy,
    /// 32 bits without a CRC: R3.
    NoCrc,
    /// 128 bits: R2.
    Long,
}

/// A command without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// 0 to 63.
    pub index: u8,
    /// Its argument.
    pub argument: u32,
    /// What comes back.
    pub response: Response,
}

impl Command {
    /// Takes a command of `sdio-host`'s; a short answer has a CRC and does not hold the line.
    pub fn new<R: Resp>(command: Cmd<R>) -> Self {
        Self {
            index: command.cmd,
            argument: command.arg,
            response: match command.response_len() {
                ResponseLen::Zero => Response::None,
                ResponseLen::R48 => Response::Short,
                ResponseLen::R136 => Response::Long,
            },
        }
    }

    /// The same command with another answer than [`Command::new`] assumes.
    pub const fn answered(self, response: Response) -> Self {
        Self { response, ..self }
    }
}

/// The data phase of a command. Its length is a whole number of blocks.
#[derive(Debug)]
pub enum Data<'a> {
    /// From the card.
    Read(&'a mut [u8]),
    /// To the card.
    Write(&'a [u8]),
}

impl Data<'_> {
    /// Returns the length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Read(buffer) => buffer.len(),
            Self::Write(buffer) => buffer.len(),
        }
    }

    /// Tells whether there is nothing to move.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why a host could not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The card did not answer a command.
    NoResponse,
    /// The answer's CRC is wrong, or its end bit.
    ResponseCrc,
    /// The answer is another command's.
    ResponseIndex,
    /// The card took more current than the slot gives.
    Overcurrent,
    /// The CMD12 that ends a transfer failed; the host's status of it.
    AutoStop(u32),
    /// The data's CRC is wrong, or a start or end bit.
    DataCrc,
    /// No data came, or was taken, in the card's time.
    DataTimeout,
    /// The host lost data it had.
    Overrun,
    /// The host itself did not get ready in this many microseconds.
    Stuck(u64),
    /// The host's bus master met an error.
    Dma(u32),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoResponse => f.write_str("no response"),
            Self::ResponseCrc => f.write_str("response CRC error"),
            Self::ResponseIndex => f.write_str("response index error"),
            Self::Overcurrent => f.write_str("overcurrent"),
            Self::AutoStop(status) => write!(f, "auto CMD12 error, status {status:#x}"),
            Self::DataCrc => f.write_str("data CRC error"),
            Self::DataTimeout => f.write_str("data timeout"),
            Self::Overrun => f.write_str("FIFO overrun"),
            Self::Stuck(us) => write!(f, "the host was not ready in {us} us"),
            Self::Dma(status) => write!(f, "DMA error, status {status:#x}"),
        }
    }
}

impl core::error::Error for HostError {}

/// A host controller. Every call ends within a bounded time.
pub trait Host {
    /// Returns the driver's name, as U-Boot prints it in `mmc list`.
    fn name(&self) -> &'static str;

    /// Returns the most that one command can move of `buffer`, in bytes: a multiple of 512.
    fn limit(&self, buffer: &[u8]) -> usize;

    /// Resets the controller; the clock runs at [`Speed::Identification`] on one line after it.
    ///
    /// # Errors
    /// The controller does not come back.
    fn reset(&mut self) -> Result<(), HostError>;

    /// Returns the widest bus that is wired.
    fn width(&self) -> BusWidth;

    /// Sets clock and width.
    ///
    /// # Errors
    /// The controller does not take the clock.
    fn set_bus(&mut self, speed: Speed, width: BusWidth) -> Result<(), HostError>;

    /// Sends a command and returns the answer, a short one in the first word, a long one least
    /// significant word first, without its CRC but in its place.
    ///
    /// # Errors
    /// As [`HostError`] tells.
    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError>;

    /// Sends a command with blocks of `block_size` bytes, and CMD12 behind more than one if
    /// `stop` is set. The length of `data` is at most [`Host::limit`].
    ///
    /// # Errors
    /// As [`HostError`] tells; the card may then still be sending.
    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError>;

    /// Stops everything, so that the controller touches no memory any more.
    fn quiesce(&mut self);
}

/// So that all hosts share one copy of what is done with a card.
impl Host for Box<dyn Host> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn limit(&self, buffer: &[u8]) -> usize {
        (**self).limit(buffer)
    }

    fn reset(&mut self) -> Result<(), HostError> {
        (**self).reset()
    }

    fn width(&self) -> BusWidth {
        (**self).width()
    }

    fn set_bus(&mut self, speed: Speed, width: BusWidth) -> Result<(), HostError> {
        (**self).set_bus(speed, width)
    }

    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError> {
        (**self).command(command)
    }

    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        (**self).transfer(command, data, block_size, stop)
    }

    fn quiesce(&mut self) {
        (**self).quiesce();
    }
}

/// Waits until `done`, at most `limit_us` microseconds.
///
/// # Errors
/// [`HostError::Stuck`].
pub(super) fn wait(
    clock: &impl Clock,
    limit_us: u64,
    mut done: impl FnMut() -> bool,
) -> Result<(), HostError> {
    let start = clock.microseconds();
    while !done() {
        if clock.microseconds().saturating_sub(start) > limit_us {
            return if done() {
                Ok(())
            } else {
                Err(HostError::Stuck(limit_us))
            };
        }
        core::hint::spin_loop();
    }
    Ok(())
}

/// Waits `us` microseconds.
pub(super) fn pause(clock: &impl Clock, us: u64) {
    let start = clock.microseconds();
    while clock.microseconds().saturating_sub(start) <= us {
        core::hint::spin_loop();
    }
}
