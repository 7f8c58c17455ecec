//! MMC, and eMMC (eMMC 6.4 and 6.6).

use platform_api::{CardFacts, CardKind, Clock};
use sdio_host::{
    common_cmd,
    emmc::{EMMC, ExtCSD},
    emmc_cmd,
    sd::{CID, CSD, SD},
};

use super::*;

/// CMD6 of MMC: write byte 185, HS_TIMING, to 1 (eMMC 6.6.1, 7.4.65).
const MMC_HIGH_SPEED: u32 = 3 << 24 | 185 << 16 | 1 << 8;
/// CMD6 of MMC: write byte 183, BUS_WIDTH (eMMC 7.4.67); the value goes to bit 8.
const MMC_BUS_WIDTH: u32 = 3 << 24 | 183 << 16;

/// CMD1 until the card is up; [`MmcError::NoCard`] if nobody answers that either.
pub fn operating_condition<H: Host, C: Clock>(link: &mut Link<H, C>) -> Result<u32, MmcError> {
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

/// Identifies an MMC that is up.
pub fn identify<H: Host, C: Clock>(link: &mut Link<H, C>, ocr: u32) -> Result<Identity, MmcError> {
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
