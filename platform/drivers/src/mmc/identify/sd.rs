//! SD cards (SD 4.2 and 4.3).

use platform_api::{CardFacts, CardKind, Clock};
use sdio_host::{
    common_cmd,
    sd::{CID, CSD, SCR, SD},
    sd_cmd,
};

use super::*;

/// CMD8: 2.7 to 3.6 V, and the pattern the specification recommends.
const IF_COND: u32 = 0x1aa;
/// CMD6: switch access mode to high speed, leave all else (SD 4.3.10).
const SWITCH_HIGH_SPEED: u32 = 0x80ff_fff1;
/// Blocks from which on SD is SDXC: 32 GiB.
const SDXC_BLOCKS: u64 = (32 << 30) / 512;

/// CMD8: tells version 2 cards from older ones, which do not answer.
pub fn check_voltage<H: Host, C: Clock>(link: &mut Link<H, C>) -> Result<bool, MmcError> {
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
pub fn operating_condition<H: Host, C: Clock>(
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

/// Identifies an SD card that is up.
pub fn identify<H: Host, C: Clock>(link: &mut Link<H, C>, ocr: u32) -> Result<Identity, MmcError> {
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
