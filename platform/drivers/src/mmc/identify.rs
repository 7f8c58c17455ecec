//! From a reset slot to a card that moves blocks (SD 4.2 and 4.3, eMMC 6.4).

use platform_api::{CardBus, CardFacts, CardKind, Clock};
use sdio_host::{
    common_cmd,
    emmc::{EMMC, ExtCSD},
    emmc_cmd,
    sd::{CID, CSD, SCR, SD},
    sd_cmd,
};

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
/// CMD8: 2.7 to 3.6 V, and the pattern the specification recommends.
const IF_COND: u32 = 0x1aa;
/// CMD6: switch access mode to high speed, leave all else (SD 4.3.10).
const SWITCH_HIGH_SPEED: u32 = 0x80ff_fff1;
/// CMD6 of MMC: write byte 185, HS_TIMING, to 1 (eMMC 6.6.1, 7.4.65).
const MMC_HIGH_SPEED: u32 = 3 << 24 | 185 << 16 | 1 << 8;
/// CMD6 of MMC: write byte 183, BUS_WIDTH (eMMC 7.4.67); the value goes to bit 8.
const MMC_BUS_WIDTH: u32 = 3 << 24 | 183 << 16;
/// Blocks from which on SD is SDXC: 32 GiB.
const SDXC_BLOCKS: u64 = (32 << 30) / 512;

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
    let second = check_voltage(link)?;
    match sd_operating_condition(link, second) {
        Ok(ocr) => sd(link, ocr),
        Err(MmcError::Host {
            error: HostError::NoResponse,
            ..
        }) => {
            let ocr = mmc_operating_condition(link)?;
            mmc(link, ocr)
        }
        Err(error) => Err(error),
    }
}

/// CMD8: tells version 2 cards from older ones, which do not answer.
fn check_voltage<H: Host, C: Clock>(link: &mut Link<H, C>) -> Result<bool, MmcError> {
    let command = Command::new(sd_cmd::send_if_cond(1, 0xaa));
    match link.send(command) {
        Ok([answer, ..]) if answer & 0xfff == IF_COND => Ok(true),
        Ok([answer, ..]) => Err(MmcError::Voltage(answer)),
        Err(MmcError::Host {
            error: HostError::NoResponse,
            ..
        }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// ACMD41 until the card is up.
fn sd_operating_condition<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    second: bool,
) -> Result<u32, MmcError> {
    let capacity = if second { OCR_HIGH_CAPACITY } else { 0 };
    until_ready(link, |link| {
        // Its status may still say that CMD8 was illegal, to an old card.
        link.host
            .command(Command::new(common_cmd::app_cmd(0)))
            .map_err(|error| MmcError::Host { index: 55, error })?;
        let command = Command {
            index: 41,
            argument: OCR_VOLTAGES | capacity,
            response: Response::NoCrc,
        };
        link.send(command)
    })
}

/// CMD1 until the card is up; [`MmcError::NoCard`] if nobody answers that either.
fn mmc_operating_condition<H: Host, C: Clock>(link: &mut Link<H, C>) -> Result<u32, MmcError> {
    link.send(Command::new(common_cmd::idle()))?;
    let result = until_ready(link, |link| {
        link.send(Command {
            index: 1,
            argument: OCR_VOLTAGES | OCR_HIGH_CAPACITY,
            response: Response::NoCrc,
        })
    });
    result.map_err(|error| match error {
        MmcError::Host {
            error: HostError::NoResponse,
            ..
        } => MmcError::NoCard,
        other => other,
    })
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

fn sd<H: Host, C: Clock>(link: &mut Link<H, C>, ocr: u32) -> Result<Identity, MmcError> {
    let cid = CID::<SD>::from(link.send(Command::new(common_cmd::all_send_cid()))?);
    let [published, ..] = link.send(Command::new(sd_cmd::send_relative_address()))?;
    let address = published & 0xffff_0000;
    let csd = read_csd(link, address)?;
    select(link, address)?;
    let by_block = ocr & OCR_HIGH_CAPACITY != 0;
    let csd_sd = CSD::<SD>::from(csd);
    let blocks = csd_sd.card_size() / 512;
    let scr = read_scr(link, address)?;
    let width = if scr.bus_width_four() && link.host.width() >= BusWidth::Four {
        application(link, address, Command::new(sd_cmd::set_bus_width(true)))?;
        BusWidth::Four
    } else {
        BusWidth::One
    };
    let version = sd_version(scr);
    // CMD6 came with 1.10.
    let high_speed = version != (1, 0) && sd_high_speed(link, width)?;
    let (oem, name) = names(cid.oem_id(), cid.product_name());
    finish(
        link,
        Identity {
            facts: CardFacts {
                kind: match (by_block, blocks > SDXC_BLOCKS) {
                    (false, _) => CardKind::Sdsc,
                    (true, false) => CardKind::Sdhc,
                    (true, true) => CardKind::Sdxc,
                },
                manufacturer: cid.manufacturer_id(),
                oem,
                name,
                serial: cid.serial(),
                version,
                bus: bus(width, high_speed),
                ..CardFacts::default()
            },
            address,
            blocks,
            by_block,
            read_only: write_protected(csd),
        },
    )
}

fn mmc<H: Host, C: Clock>(link: &mut Link<H, C>, ocr: u32) -> Result<Identity, MmcError> {
    let cid = CID::<EMMC>::from(link.send(Command::new(common_cmd::all_send_cid()))?);
    // The host gives an MMC its address.
    let address = 1 << 16;
    link.send(Command {
        index: 3,
        argument: address,
        response: Response::Short,
    })?;
    let csd = read_csd(link, address)?;
    select(link, address)?;
    let by_block = ocr & OCR_HIGH_CAPACITY != 0;
    let mut bytes = [0; 512];
    read_register(link, Command::new(emmc_cmd::send_ext_csd()), &mut bytes)?;
    let mut words = [0; 128];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let blocks = match u64::from(ExtCSD::from(words).sector_count()) {
        // Up to 2 GB the CSD tells, as an SD's of version 1 does.
        0 => CSD::<SD>::from(csd).card_size() / 512,
        sectors => sectors,
    };
    let (width, high_speed) = mmc_bus(link, address)?;
    let (oem, name) = names("", cid.product_name());
    finish(
        link,
        Identity {
            facts: CardFacts {
                kind: CardKind::Mmc,
                manufacturer: cid.manufacturer_id(),
                oem: oem | u16::from(cid.oem_application_id()),
                name,
                serial: cid.serial(),
                version: (4, 0),
                bus: bus(width, high_speed),
                ..CardFacts::default()
            },
            address,
            blocks,
            by_block,
            read_only: write_protected(csd),
        },
    )
}

/// Widens an MMC's bus and speeds it up, each as far as host and card go along.
fn mmc_bus<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    address: u32,
) -> Result<(BusWidth, bool), MmcError> {
    let mut width = BusWidth::One;
    for (wider, value) in [(BusWidth::Eight, 2), (BusWidth::Four, 1)] {
        if width == BusWidth::One
            && link.host.width() >= wider
            && mmc_switch(link, address, MMC_BUS_WIDTH | value << 8).is_ok()
        {
            width = wider;
        }
    }
    let high_speed = mmc_switch(link, address, MMC_HIGH_SPEED).is_ok();
    Ok((width, high_speed))
}

fn mmc_switch<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    address: u32,
    argument: u32,
) -> Result<(), MmcError> {
    link.send(Command {
        index: 6,
        argument,
        response: Response::ShortBusy,
    })?;
    // SWITCH_ERROR is bit 7 of the next status (eMMC 6.13).
    let status = link.ready(address)?;
    if status & (1 << 7) == 0 {
        Ok(())
    } else {
        Err(MmcError::Status { index: 6, status })
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

/// Sends an application command: one that follows CMD55.
fn application<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    address: u32,
    command: Command,
) -> Result<[u32; 4], MmcError> {
    announce(link, address)?;
    link.send(command)
}

fn announce<H: Host, C: Clock>(link: &mut Link<H, C>, address: u32) -> Result<(), MmcError> {
    link.send(Command {
        index: 55,
        argument: address,
        response: Response::Short,
    })
    .map(drop)
}

fn read_scr<H: Host, C: Clock>(link: &mut Link<H, C>, address: u32) -> Result<SCR, MmcError> {
    let mut bytes = [0; 8];
    announce(link, address)?;
    read_register(link, Command::new(sd_cmd::send_scr()), &mut bytes)?;
    // Most significant byte first (SD 5.6); `sdio-host` wants the low word first.
    let [a, b, c, d, e, f, g, h] = bytes;
    let words = [
        u32::from_be_bytes([e, f, g, h]),
        u32::from_be_bytes([a, b, c, d]),
    ];
    Ok(SCR::from(words))
}

/// SCR's word for the specification: SD_SPEC, SD_SPEC3 (SD table 5-19).
fn sd_version(scr: SCR) -> (u8, u8) {
    use sdio_host::sd::SDSpecVersion as Version;
    match scr.version() {
        Version::V1_0 => (1, 0),
        Version::V1_10 => (1, 10),
        Version::V2 => (2, 0),
        Version::V3 => (3, 0),
        Version::V4 => (4, 0),
        Version::V5 => (5, 0),
        Version::V6 => (6, 0),
        Version::V7 => (7, 0),
        _ => (0, 0),
    }
}

/// CMD6 on SD: tells whether the card is in high-speed timing now.
fn sd_high_speed<H: Host, C: Clock>(
    link: &mut Link<H, C>,
    width: BusWidth,
) -> Result<bool, MmcError> {
    link.host
        .set_bus(Speed::Default, width)
        .map_err(|error| MmcError::Host { index: 6, error })?;
    let mut status = [0; 64];
    let command = Command::new(sd_cmd::cmd6(SWITCH_HIGH_SPEED));
    match read_register(link, command, &mut status) {
        // Bits 379:376: the access mode that is on (SD table 4-13).
        Ok(()) => Ok(status.get(16).is_some_and(|byte| byte & 0xf == 1)),
        Err(MmcError::Host {
            error: HostError::NoResponse,
            ..
        }) => Ok(false),
        Err(error) => Err(error),
    }
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
