//! From a reset slot to a card that moves blocks (SD 4.2 and 4.3, eMMC 6.4).

mod emmc;
mod sd;

use platform_api::{CardBus, CardFacts, Clock};
use sdio_host::common_cmd;

use super::{
    BusWidth, Command, Data, Host, HostError, MmcError, Response, Speed,
    card::{Link, STATUS_ERRORS},
    host::pause,
};

/// How long a card may take to power up (SD 4.2.3, eMMC 6.4.3: one second).
const POWER_UP_US: u64 = 1_000_000;
/// OCR: power-up is done.
const OCR_READY: u32 = 1 << 31;
/// OCR: blocks, not bytes, are addressed; in the argument: the host knows such cards.
const OCR_HIGH_CAPACITY: u32 = 1 << 30;
/// OCR: 2.7 to 3.6 V.
const OCR_VOLTAGES: u32 = 0x00ff_8000;

/// What identification finds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity {
    pub facts: CardFacts,
    /// Relative card address, in an argument's upper half.
    pub address: u32,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Commands take blocks, not bytes.
    pub by_block: bool,
    /// The card refuses writes.
    pub read_only: bool,
}

/// Resets the slot and identifies what is in it.
///
/// # Errors
/// [`MmcError::NoCard`], or what the card answered.
pub(super) fn identify<H: Host, C: Clock>(link: &mut Link<H, C>) -> Result<Identity, MmcError> {
    link.host
        .reset()
        .map_err(|error| MmcError::Host { index: 0, error })?;
    // The supply, then 74 clocks (SD 6.4.1.2).
    pause(&link.clock, 1_000);
    link.send(Command::new(common_cmd::idle()))?;
    let second = sd::check_voltage(link)?;
    match sd::operating_condition(link, second) {
        Ok(ocr) => sd::identify(link, ocr),
        Err(MmcError::Host {
            error: HostError::NoResponse,
            ..
        }) => {
            let ocr = emmc::operating_condition(link)?;
            emmc::identify(link, ocr)
        }
        Err(error) => Err(error),
    }
}

fn until_ready<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    mut ask: impl FnMut(&mut Link<H, C>) -> Result<[u32; 4], MmcError>,
) -> Result<u32, MmcError> {
    let start = link.clock.microseconds();
    loop {
        let [ocr, ..] = ask(link)?;
        if ocr & OCR_READY != 0 {
            return if ocr & OCR_VOLTAGES != 0 {
                Ok(ocr)
            } else {
                Err(MmcError::Voltage(ocr))
            };
        }
        let waited_us = link.clock.microseconds().saturating_sub(start);
        if waited_us > POWER_UP_US {
            return Err(MmcError::Busy { waited_us });
        }
        pause(&link.clock, 1_000);
    }
}

/// Sets the host to what was agreed on with the card.
fn finish<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    mut identity: Identity,
) -> Result<Identity, MmcError> {
    if identity.blocks == 0 {
        return Err(MmcError::Capacity);
    }
    let CardBus {
        width, high_speed, ..
    } = identity.facts.bus;
    let width = match width {
        8 => BusWidth::Eight,
        4 => BusWidth::Four,
        _ => BusWidth::One,
    };
    let speed = if high_speed {
        Speed::High
    } else {
        Speed::Default
    };
    link.host
        .set_bus(speed, width)
        .map_err(|error| MmcError::Host { index: 6, error })?;
    if !identity.by_block {
        link.send(Command::new(common_cmd::set_block_length(512)))?;
    }
    identity.facts.host = link.host.name();
    Ok(identity)
}

fn bus(width: BusWidth, high_speed: bool) -> CardBus {
    let speed = if high_speed {
        Speed::High
    } else {
        Speed::Default
    };
    CardBus {
        width: width as u8,
        high_speed,
        clock: speed.limit(),
    }
}

fn read_csd<H: Host, C: Clock>(link: &mut Link<H, C>, address: u32) -> Result<[u32; 4], MmcError> {
    let command = Command {
        index: 9,
        argument: address,
        response: Response::Long,
    };
    link.send(command)
}

/// CSD: the card is write-protected for good or for the time being (bits 13 and 12).
fn write_protected([low, ..]: [u32; 4]) -> bool {
    low & (1 << 13 | 1 << 12) != 0
}

fn select<H: Host, C: Clock>(link: &mut Link<H, C>, address: u32) -> Result<(), MmcError> {
    let command = Command {
        index: 7,
        argument: address,
        response: Response::ShortBusy,
    };
    link.send(command)?;
    link.ready(address).map(drop)
}

/// Reads a register that comes as one block of data.
fn read_register<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    command: Command,
    bytes: &mut [u8],
) -> Result<(), MmcError> {
    let size = u32::try_from(bytes.len()).unwrap_or(0);
    let [status, ..] = link
        .host
        .transfer(command, Data::Read(bytes), size, false)
        .map_err(|error| MmcError::Host {
            index: command.index,
            error,
        })?;
    if status & STATUS_ERRORS == 0 {
        Ok(())
    } else {
        Err(MmcError::Status {
            index: command.index,
            status,
        })
    }
}

/// Takes CID's texts as bytes.
fn names(oem: &str, product: &str) -> (u16, [u8; 6]) {
    let mut name = [0; 6];
    for (place, byte) in name.iter_mut().zip(product.bytes()) {
        *place = byte;
    }
    let oem = match *oem.as_bytes() {
        [first, second] => u16::from_be_bytes([first, second]),
        _ => 0,
    };
    (oem, name)
}
