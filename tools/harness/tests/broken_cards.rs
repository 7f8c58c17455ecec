//! Cards with broken tables and file systems: an error at the prompt, no more.
//!
//! QEMU enters Baton itself here: U-Boot could not read these cards either.

use harness::{Card, Machine, Result, Session, ensure, flow, here};

/// The partition's first byte on the card.
const PARTITION: usize = 1 << 20;

/// Reads a little-endian number of the boot sector.
// Clippy knows that a test may index, but not that this is part of one.
#[allow(clippy::indexing_slicing)]
fn number(card: &[u8], offset: usize, size: usize) -> usize {
    let bytes = &card[PARTITION + offset..PARTITION + offset + size];
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | usize::from(byte))
}

/// Where the first FAT lies on the card: after the reserved sectors (offset 14).
fn fat(card: &[u8]) -> usize {
    PARTITION + number(card, 14, 2) * 512
}

/// A small FAT16 card with a file of many clusters, and nothing before it: clusters 2, 3, 4...
fn small() -> Result<Card> {
    Card::blank(32)?.with_file("big.bin", &vec![0x5a; 1 << 20])
}

fn start(name: &str, card: Card) -> Result<Session> {
    flow::baton_direct(Machine::virt(name).card(card))
}

/// Each command fails, soon, and says something; the prompt lives.
fn fails(session: &mut Session, commands: &[&str]) -> Result<()> {
    session.run_ok("mw.l 48000000 5a5a5a5a 40000")?;
    for command in commands {
        let said = session.run_err(command)?;
        ensure!(
            session,
            said.trim().len() > 8,
            "{command} says only: {said}"
        );
    }
    flow::is_baton(session)
}

#[test]
fn a_small_good_card_works() -> Result<()> {
    let mut session = start(here!(), small()?)?;
    let loaded = session.run_ok("load virtio 0:1 48000000 big.bin")?;
    assert!(loaded.contains("1048576 bytes read"), "{loaded}");
    let dump = session.run_ok("md.l 480ffffc 1")?;
    assert!(dump.starts_with("480ffffc: 5a5a5a5a"), "{dump}");
    Ok(())
}

#[test]
fn no_partition_table() -> Result<()> {
    let card = small()?.corrupt(|card| card[510] = 0)?;
    let mut session = start(here!(), card)?;
    fails(
        &mut session,
        &[
            "ls virtio 0:1",
            "part list virtio 0",
            "load virtio 0:1 48000000 big.bin",
        ],
    )
}

#[test]
fn a_partition_that_leaves_the_disk() -> Result<()> {
    let card = small()?.corrupt(|card| card[446 + 8..446 + 12].fill(0xff))?;
    let mut session = start(here!(), card)?;
    fails(
        &mut session,
        &["ls virtio 0:1", "load virtio 0:1 48000000 big.bin"],
    )
}

#[test]
fn no_file_system() -> Result<()> {
    let card = small()?.corrupt(|card| card[PARTITION..PARTITION + 512].fill(0))?;
    let mut session = start(here!(), card)?;
    fails(
        &mut session,
        &["ls virtio 0:1", "load virtio 0:1 48000000 big.bin"],
    )
}

#[test]
fn boot_sectors_of_nonsense() -> Result<()> {
    // Bytes per sector, sectors per cluster, reserved sectors, FATs, sectors per FAT.
    for (offset, value) in [(11, 1_u8), (13, 0), (13, 3), (14, 0), (16, 0), (22, 0)] {
        let card = small()?.corrupt(|card| {
            card[PARTITION + offset] = value;
            card[PARTITION + offset + usize::from(offset != 13 && offset != 16)] = value;
        })?;
        let mut session = start(here!(), card)?;
        fails(&mut session, &["load virtio 0:1 48000000 big.bin"])?;
    }
    Ok(())
}

#[test]
fn a_chain_that_loops() -> Result<()> {
    let card = small()?.corrupt(|card| {
        // Cluster 5 links to cluster 3 (FAT16: two bytes each).
        let entry = fat(card) + 5 * 2;
        card[entry..entry + 2].copy_from_slice(&3_u16.to_le_bytes());
    })?;
    let mut session = start(here!(), card)?;
    fails(&mut session, &["load virtio 0:1 48000000 big.bin"])
}

#[test]
fn a_chain_that_ends_early() -> Result<()> {
    let card = small()?.corrupt(|card| {
        let entry = fat(card) + 5 * 2;
        card[entry..entry + 2].fill(0xff);
    })?;
    let mut session = start(here!(), card)?;
    fails(&mut session, &["load virtio 0:1 48000000 big.bin"])
}

#[test]
fn a_chain_that_leaves_the_volume() -> Result<()> {
    let card = small()?.corrupt(|card| {
        let entry = fat(card) + 5 * 2;
        card[entry..entry + 2].copy_from_slice(&0xfff0_u16.to_le_bytes());
    })?;
    let mut session = start(here!(), card)?;
    fails(&mut session, &["load virtio 0:1 48000000 big.bin"])
}

#[test]
fn a_disk_that_fails() -> Result<()> {
    // In the middle of the file, which starts within the first 200 sectors of the partition.
    let card = small()?.with_bad_sector(2048 + 1000);
    let mut session = start(here!(), card)?;
    fails(&mut session, &["load virtio 0:1 48000000 big.bin"])
}

#[test]
fn no_card() -> Result<()> {
    let mut session = flow::baton_direct(Machine::virt(here!()))?;
    fails(
        &mut session,
        &[
            "ls virtio 0:1",
            "load virtio 0:1 48000000 big.bin",
            "bootz zImage",
            "boot",
        ],
    )
}
