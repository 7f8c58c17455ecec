//! SD hosts by the SD Association's own specification: SD Host Controller Simplified
//! Specification 3.00, here "SDHC". Data move by ADMA2 straight between the card and the caller's
//! memory, else by SDMA, else through the buffer port, as the controller can.
//!
//! The first stage has switched the controller's clocks on, and its pins.

mod clock;
#[cfg(test)]
mod model;
mod registers;
#[cfg(test)]
mod tests;
mod transfer;
mod variant;

use alloc::vec::Vec;

use platform_api::{Clock, DataCache, DeviceNode};

use self::{
    registers::*,
    transfer::{BOUNDARY, DESCRIPTORS, PIECE},
    variant::Base,
};
use super::{
    Bus, BusWidth, Command, Data, Host, HostError, Mmio, Response, Speed,
    dma::{self, Path},
    host::{pause, wait},
};
use crate::mmio::{self, WindowError};

pub use variant::{COMPATIBLE, Variant};

/// How long a command and a card that is busy may take, microseconds. The controller's own
/// timeouts are shorter; these end a wait for a dead one.
const COMMAND_US: u64 = 500_000;
const BUSY_US: u64 = 2_000_000;
/// How long the card's supply may take to be there, microseconds.
const POWER_US: u64 = 1_000;
/// What a controller divides that says nothing about its clock, Hz: the most the field can say.
const FASTEST_BASE: u32 = 255_000_000;

/// The way data take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By a chain of descriptors.
    Adma2,
    /// From one address on, with a stop at boundaries.
    Sdma,
    /// Through the buffer port.
    Port,
}

/// The controller.
pub struct Sdhci<B, C, D> {
    port: Port<B, C>,
    capabilities: u32,
    version_3: bool,
    /// The clock that is divided, Hz.
    base: u32,
    width: BusWidth,
    way: Way,
    /// HOST_CONTROL but for the way data take.
    control: u32,
    descriptors: Vec<[u32; 2]>,
    /// Lent out while data move; none where they take the port.
    path: Option<Path<D>>,
}

/// The controller's registers, and no more: enough to stop it when its driver is out of reach.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    bus: Mmio,
    usdhc: bool,
}

impl Registers {
    /// Stops the DMA, and whatever moves. A step of the handoff: cannot fail.
    pub fn stop(self) {
        for (register, value) in [(SIGNAL, 0), (ENABLE, 0), (CLOCK, RESET_ALL)] {
            // Where writes are lost that come too fast: looks at a register take longer.
            for _ in 0..64 {
                self.bus.get(STATE);
            }
            let ones = match register {
                CLOCK if self.usdhc => USDHC_NO_CARD_RESET | USDHC_ONES,
                _ => 0,
            };
            self.bus.set(register, value | ones);
        }
        // It resets in a few clocks; one that is dead does not move data either.
        for _ in 0..100_000 {
            if self.bus.get(CLOCK) & RESET_ALL == 0 {
                break;
            }
        }
    }
}

/// Takes over the controller of `node`. `firmware` is the rate of the clock that
/// [`Variant::firmware_clock`] names, if it is known.
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
    firmware: Option<u32>,
    clock: C,
    cache: D,
) -> Result<Sdhci<Mmio, C, D>, WindowError> {
    let (registers, _) = mmio::registers::<[u32; REGISTERS / 4]>(node, 0)?;
    let variant = Variant::of(node.compatible).ok_or(WindowError::Missing { index: 0 })?;
    // SAFETY: the caller's word; the window was just seen to hold the registers.
    let bus = unsafe { Mmio::new(registers.as_ptr().expose_provenance()) };
    Ok(Sdhci::new(
        bus,
        clock,
        cache,
        variant,
        firmware,
        node.bus_width,
    ))
}

impl<C: Clock, D: DataCache> Sdhci<Mmio, C, D> {
    /// Returns the registers, for a handoff.
    pub fn registers(&self) -> Registers {
        Registers {
            bus: self.port.bus,
            usdhc: self.port.variant.usdhc,
        }
    }
}

impl<B: Bus, C: Clock, D: DataCache> Sdhci<B, C, D> {
    fn new(
        bus: B,
        clock: C,
        cache: D,
        variant: &'static Variant,
        firmware: Option<u32>,
        width: Option<u32>,
    ) -> Self {
        let capabilities = variant
            .capabilities
            .unwrap_or_else(|| bus.get(CAPABILITIES));
        let adma2 = if variant.usdhc {
            USDHC_CAN_ADMA2
        } else {
            CAN_ADMA2
        };
        let way = match capabilities {
            _ if !variant.masters => Way::Port,
            able if able & adma2 != 0 => Way::Adma2,
            able if able & CAN_SDMA != 0 => Way::Sdma,
            _ => Way::Port,
        };
        let descriptors = if way == Way::Adma2 { DESCRIPTORS } else { 0 };
        // 0 is version 1, 1 is 2, 2 is 3 (Host Controller Version Register). The BCM2835 says 2 where the
        // specification has it.
        let version_3 = bus.get(VERSION) >> 16 & 0xff >= 2;
        Self {
            capabilities,
            version_3,
            base: base(variant, firmware, capabilities, version_3),
            // Slots have four lines if nothing else is said; eight are never a card slot's.
            width: match width {
                Some(width) if width < 4 => BusWidth::One,
                Some(8) if variant.usdhc || capabilities & CAN_8_LINES != 0 => BusWidth::Eight,
                _ => BusWidth::Four,
            },
            way,
            control: 0,
            descriptors: alloc::vec![[0; 2]; descriptors],
            path: (way != Way::Port).then(|| Path::new(cache, dma::BOUNCE)),
            port: Port {
                bus,
                clock,
                variant,
                gap_us: gap_us(Speed::Identification),
            },
        }
    }

    /// Sends a command; `mode` is the transfer mode of one with data.
    fn issue(&self, command: Command, mode: Option<u32>) -> Result<(), HostError> {
        let port = &self.port;
        let busy = command.response == Response::ShortBusy;
        let mut inhibit = NO_COMMAND;
        if (busy || mode.is_some()) && command.index != 12 {
            inhibit |= NO_DATA;
        }
        wait(&port.clock, COMMAND_US, || port.get(STATE) & inhibit == 0)?;
        port.set(INTERRUPTS, u32::MAX);
        port.set(ARGUMENT, command.argument);
        let mut word = u32::from(command.index & 0x3f) << 24 | answer_flags(command.response);
        if command.index == 12 {
            word |= ABORT;
        }
        if mode.is_some() {
            word |= WITH_DATA;
        }
        let mode = mode.unwrap_or(0);
        if port.variant.usdhc {
            let mix = port.get(MIX_CONTROL) & !MIX_MODE;
            port.set(MIX_CONTROL, mix | mode);
            port.set(COMMAND, word);
        } else {
            port.set(COMMAND, word | mode);
        }
        Ok(())
    }

    /// Reads what the card answered. The controller has dropped a long answer's CRC and moved the
    /// rest down by it.
    fn answer(&self, response: Response) -> [u32; 4] {
        let words = RESPONSE.map(|offset| self.port.get(offset));
        let [first, second, third, fourth] = words;
        let join = |low: u32, high: u32| high << 8 | low >> 24;
        match response {
            Response::None => [0; 4],
            Response::Long => [
                first << 8,
                join(first, second),
                join(second, third),
                join(third, fourth),
            ],
            _ => [first, 0, 0, 0],
        }
    }

    /// Waits until a card lets go of the data line.
    fn not_busy(&self) -> Result<(), HostError> {
        let port = &self.port;
        let line = if port.variant.usdhc {
            USDHC_DATA_LINE
        } else {
            DATA_LINE
        };
        // The card takes it two clocks after its answer.
        pause(&port.clock, self.port.gap_us);
        wait(&port.clock, BUSY_US, || port.get(STATE) & line != 0)
    }

    /// Brings the controller back after a failure, clock and width kept.
    fn recover(&self) {
        // A controller that does not come back is found out by the next command.
        let _ = self.port.reset(RESET_COMMAND);
        let _ = self.port.reset(RESET_DATA);
        // An address for SDMA would otherwise mean "go on" with what failed.
        self.port.set(BLOCKS, 0);
    }

    /// Sets HOST_CONTROL, the upper half (gaps between blocks, wake-up) as it is.
    fn apply_control(&self, more: u32) {
        let port = &self.port;
        let upper = port.get(HOST_CONTROL) & 0xffff_0000;
        port.set(HOST_CONTROL, upper | self.control | more);
    }

    fn set_clock(&self, limit: u32) -> Result<(), HostError> {
        let port = &self.port;
        if port.variant.usdhc {
            let bits = clock::usdhc(self.base, limit) | USDHC_ONES | USDHC_NO_CARD_RESET;
            let vendor = port.get(VENDOR) & !FORCE_CLOCK;
            port.set(VENDOR, vendor);
            port.set(CLOCK, bits | LONGEST_TIMEOUT);
            wait(&port.clock, RESET_US, || {
                port.get(STATE) & USDHC_STABLE != 0
            })?;
            port.set(VENDOR, vendor | FORCE_CLOCK);
            return Ok(());
        }
        let bits = clock::standard(self.base, limit, self.version_3) | LONGEST_TIMEOUT;
        port.set(CLOCK, LONGEST_TIMEOUT);
        port.set(CLOCK, bits | CLOCK_ON);
        wait(&port.clock, RESET_US, || {
            port.get(CLOCK) & CLOCK_STABLE != 0
        })?;
        port.set(CLOCK, bits | CLOCK_ON | CARD_CLOCK);
        Ok(())
    }

    fn lines(&self, width: BusWidth) -> u32 {
        match (width, self.port.variant.usdhc) {
            (BusWidth::One, _) => 0,
            (BusWidth::Four, _) => FOUR_LINES,
            (BusWidth::Eight, true) => USDHC_EIGHT_LINES,
            (BusWidth::Eight, false) => EIGHT_LINES,
        }
    }
}

/// Returns the rate of the clock that is divided, Hz.
fn base(variant: &Variant, firmware: Option<u32>, capabilities: u32, version_3: bool) -> u32 {
    match variant.base {
        Base::Firmware(_, most) => firmware.unwrap_or(most),
        Base::AtMost(most) => most,
        // MHz, in six bits before version 3 (Capabilities Register).
        Base::Capabilities => {
            let mask = if version_3 { 0xff } else { 0x3f };
            match capabilities >> 8 & mask {
                0 => FASTEST_BASE,
                mhz => mhz * 1_000_000,
            }
        }
    }
}

/// How long two clocks of the card's last, microseconds, and a little more.
fn gap_us(speed: Speed) -> u64 {
    match speed {
        Speed::Identification => 6,
        Speed::Default | Speed::High => 1,
    }
}

fn answer_flags(response: Response) -> u32 {
    match response {
        Response::None => 0,
        Response::Short => ANSWER_48 | CHECK_CRC | CHECK_INDEX,
        Response::ShortBusy => ANSWER_48_BUSY | CHECK_CRC | CHECK_INDEX,
        Response::NoCrc => ANSWER_48,
        Response::Long => ANSWER_136 | CHECK_CRC,
    }
}

impl<B: Bus, C: Clock, D: DataCache> Host for Sdhci<B, C, D> {
    fn name(&self) -> &'static str {
        self.port.variant.name
    }

    fn limit(&self, buffer: &[u8]) -> usize {
        let at_boundary = buffer.as_ptr().addr().is_multiple_of(BOUNDARY);
        match self.way {
            Way::Adma2 | Way::Sdma if !dma::is_aligned(buffer) => dma::BOUNCE,
            // One that begins at a boundary ends at the next, and needs not be told on: QEMU's
            // controllers, from 6.0 on, take no address for that while they transfer.
            Way::Sdma if at_boundary => BOUNDARY,
            _ => PIECE * DESCRIPTORS,
        }
    }

    fn reset(&mut self) -> Result<(), HostError> {
        self.port.gap_us = gap_us(Speed::Identification);
        self.port.reset(RESET_ALL)?;
        let port = &self.port;
        if port.variant.usdhc {
            // What a reset leaves of a faster mode's settings.
            for (register, value) in [(MIX_CONTROL, MIX_RESET), (DELAY_LINE, 0), (TUNING, 0)] {
                port.set(register, value);
            }
            self.control = USDHC_LITTLE_ENDIAN;
        } else {
            let voltage = VOLTAGES
                .iter()
                .find(|(able, _)| self.capabilities & able != 0);
            self.control = voltage.map_or(0, |(_, bits)| bits | POWER_ON);
        }
        port.set(SIGNAL, 0);
        port.set(ENABLE, SHOWN);
        self.apply_control(0);
        pause(&self.port.clock, POWER_US);
        self.set_bus(Speed::Identification, BusWidth::One)?;
        pause(&self.port.clock, POWER_US);
        Ok(())
    }

    fn width(&self) -> BusWidth {
        self.width
    }

    fn set_bus(&mut self, speed: Speed, width: BusWidth) -> Result<(), HostError> {
        let fast = speed == Speed::High && self.capabilities & CAN_HIGH_SPEED != 0;
        self.control &= !(FOUR_LINES | EIGHT_LINES | USDHC_EIGHT_LINES | HIGH_SPEED);
        if self.port.variant.usdhc {
            self.control |= USDHC_LITTLE_ENDIAN;
        } else if fast {
            self.control |= HIGH_SPEED;
        }
        self.control |= self.lines(width);
        self.apply_control(0);
        // A card in high-speed timing works with a slower clock as well.
        let limit = match speed {
            Speed::High if !fast => Speed::Default.limit(),
            speed => speed.limit(),
        };
        self.set_clock(limit)?;
        self.port.gap_us = gap_us(speed);
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError> {
        let mut result = self.issue(command, None).and_then(|()| {
            self.port.interrupt(COMMAND_DONE, COMMAND_US)?;
            Ok(self.answer(command.response))
        });
        if result.is_ok() && command.response == Response::ShortBusy {
            result = self.not_busy().and(result);
        }
        if result.is_err() {
            self.recover();
        }
        result
    }

    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        let result = self.exchange(command, data, block_size, stop);
        if result.is_err() {
            self.recover();
        }
        result
    }

    fn quiesce(&mut self) {
        self.port.set(SIGNAL, 0);
        let _ = self.port.reset(RESET_ALL);
    }
}
