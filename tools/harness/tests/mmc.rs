//! Memory cards that are pulled, swapped, missing, or not what their tables say, on the hosts of
//! two boards. QEMU enters Baton itself; there need not be a card for that.
//!
//! Lost bits and dead cards are in the drivers' own tests (`platform/drivers/src/mmc/tests.rs`):
//! QEMU's cards have neither CRCs nor errors, and hide the host's (docs/testing.md).

use harness::{Card, ErrorKind, Machine, Result, Session, here, regex};

/// A board: how it is started, and a free place in its memory.
struct Board {
    machine: fn(&str) -> Result<Machine>,
    console: &'static str,
    free: u32,
}

const SUNXI: Board = Board {
    machine: Machine::orangepi_pc_direct,
    console: "ttyS0",
    free: 0x4800_0000,
};
const PL181: Board = Board {
    machine: Machine::vexpress_a15,
    console: "ttyAMA0",
    free: 0x9000_0000,
};

/// What an empty slot is called, and what is to be done about it.
const NO_CARD: &str = "no card in the slot, or none that answers; once there is one: mmc rescan\n";

impl Board {
    fn start(&self, name: &str, card: Option<&Card>) -> Result<Session> {
        let machine = (self.machine)(name)?;
        let machine = machine.append(&format!("console={} baton.bootdelay=-1", self.console));
        let machine = match card {
            Some(card) => machine.card(card.clone()),
            None => machine,
        };
        let mut session = machine.start()?;
        session.expect_prompt()?;
        Ok(session)
    }

    /// Loads a file, and compares it with what the card's image has.
    fn loads(&self, session: &mut Session, card: &Card, name: &str) -> Result<()> {
        session.run_ok(&format!("load mmc 0:1 {:x} {name}", self.free))?;
        let sum = session.run_ok(&format!("crc32 {:x} ${{filesize}}", self.free))?;
        let wanted = format!("==> {:08x}\n", crc32fast::hash(&card.read(name)?));
        if sum.ends_with(&wanted) {
            return Ok(());
        }
        Err(session.fail(ErrorKind::Check(format!("{sum} is not {wanted}"))))
    }
}

/// A card with a file of so many MiB, in which no two blocks are alike.
fn card(mib: u32, name: &str, file_mib: u32) -> Result<Card> {
    let bytes: Vec<u8> = (0..file_mib << 18)
        .flat_map(|word: u32| word.wrapping_mul(0x9e37_79b1).to_le_bytes())
        .collect();
    Card::blank(mib)?.with_file(name, &bytes)
}

/// Says in which words a command failed.
fn says(session: &mut Session, command: &str, wanted: &str) -> Result<()> {
    let said = session.run_err(command)?;
    if said.contains(wanted) {
        return Ok(());
    }
    Err(session.fail(ErrorKind::Check(format!("{command}: {said}"))))
}

/// Reads for ever, until the card is pulled: mostly in the middle of a file. Then it is gone, and
/// stays so until somebody looks again.
fn pulled(board: &Board, name: &str, errors: &[&str]) -> Result<()> {
    let card = card(64, "big.bin", 4)?;
    let mut session = board.start(name, Some(&card))?;
    board.loads(&mut session, &card, "big.bin")?;
    for _ in 0..2 {
        let load = format!("load mmc 0:1 {:x} big.bin", board.free);
        session.send_line(&format!("while {load}; do true; done; echo ended $?"));
        session.expect("bytes read in ")?;
        session.pull_card()?;
        let end = session.expect(regex("(?m)^ended 1\r\n"))?;
        let before = end.before.replace('\r', "");
        let last = before.lines().next_back().unwrap_or_default();
        if !errors.iter().any(|error| last.starts_with(error)) {
            return Err(session.fail(ErrorKind::Check(before)));
        }
        session.expect_prompt()?;
        says(&mut session, &load, NO_CARD)?;
        says(&mut session, "mmc rescan", NO_CARD)?;
        says(&mut session, "mmc info", NO_CARD)?;
        session.put_card(&card)?;
        says(&mut session, "ls mmc 0:1", NO_CARD)?;
        session.run_ok("mmc rescan")?;
        board.loads(&mut session, &card, "big.bin")?;
    }
    Ok(())
}

#[test]
fn a_card_is_pulled_from_a_sunxi_host_and_put_back() -> Result<()> {
    pulled(&SUNXI, here!(), &["no card in the slot"])
}

/// QEMU's PL181 goes on without a card, and gives zeros: a single block that was under way, of the
/// partition table, the boot sector, or a directory, is then whole and empty. Only the next command,
/// CMD12 behind many blocks, finds nobody.
#[test]
fn a_card_is_pulled_from_a_pl181_and_put_back() -> Result<()> {
    let errors = [
        "no card in the slot",
        "no partition",
        "no file system",
        "no FAT file system",
        "FAT: ",
        "no such file or directory: big.bin",
    ];
    pulled(&PL181, here!(), &errors)
}

/// Another card is in the slot before anybody looked: nothing is read from it, or written to it, as
/// if it were the one before.
fn swapped(board: &Board, name: &str) -> Result<()> {
    let (first, second) = (card(64, "first.bin", 4)?, card(32, "second.bin", 2)?);
    let untouched = second.read("second.bin")?;
    let mut session = board.start(name, Some(&first))?;
    board.loads(&mut session, &first, "first.bin")?;
    session.pull_card()?;
    session.put_card(&second)?;
    says(
        &mut session,
        &format!("mmc write {:x} 800 100", board.free),
        NO_CARD,
    )?;
    says(&mut session, "saveenv", "no card in the slot")?;
    says(&mut session, "ls mmc 0:1", NO_CARD)?;
    session.run_ok("mmc rescan")?;
    let info = session.run_ok("mmc info")?;
    assert!(info.contains("Capacity: 32 MiB\n"), "{info}");
    let list = session.run_ok("ls mmc 0:1")?;
    assert!(
        list.contains("second.bin") && !list.contains("first.bin"),
        "{list}"
    );
    board.loads(&mut session, &second, "second.bin")?;
    drop(session);
    assert_eq!(second.complaints()?, [""; 0]);
    assert!(second.read("second.bin")? == untouched);
    Ok(())
}

#[test]
fn another_card_in_a_sunxi_host() -> Result<()> {
    swapped(&SUNXI, here!())
}

#[test]
fn another_card_in_a_pl181() -> Result<()> {
    swapped(&PL181, here!())
}

/// Nothing in the slot at the start: said in a line, and a card that comes later is found.
fn empty(board: &Board, name: &str) -> Result<()> {
    let card = card(32, "late.bin", 1)?;
    let mut session = board.start(name, None)?;
    let said = session.transcript();
    assert!(
        said.contains("*** Warning - mmc 0: no card in the slot"),
        "{said}"
    );
    for command in ["ls mmc 0:1", "boot", "mmc rescan", "saveenv", "mmc part"] {
        says(&mut session, command, "no card in the slot")?;
    }
    session.put_card(&card)?;
    session.run_ok("mmc rescan")?;
    board.loads(&mut session, &card, "late.bin")?;
    session.run_ok("setenv greeting hello; saveenv")?;
    drop(session);
    // It keeps what was written to it.
    assert!(card.read("uboot.env").is_ok());
    assert_eq!(card.complaints()?, [""; 0]);
    Ok(())
}

#[test]
fn no_card_in_a_sunxi_host() -> Result<()> {
    empty(&SUNXI, here!())
}

#[test]
fn no_card_in_a_pl181() -> Result<()> {
    empty(&PL181, here!())
}

/// The card is half as large as its partition table and its file system say.
fn half_a_card(board: &Board, name: &str) -> Result<()> {
    let half = card(64, "low.bin", 1)?
        .with_file("high.bin", &vec![0x5a; 40 << 20])?
        .corrupt(|bytes| bytes.truncate(32 << 20))?;
    let mut session = board.start(name, Some(&half))?;
    // What is not there is shown, and said.
    let said = session.run_err("mmc part")?;
    assert!(
        said.contains("2048") && said.contains("which has 0x10000"),
        "{said}"
    );
    for command in ["ls mmc 0:1", "load mmc 0:1 ${free} high.bin", "saveenv"] {
        session.run_ok(&format!("setenv free {:x}", board.free))?;
        // Where the device ends is told.
        says(&mut session, command, "0x10000")?;
    }
    // The blocks that are there can be read, and no others.
    session.run_ok(&format!("mmc read {:x} ffff 1", board.free))?;
    says(
        &mut session,
        &format!("mmc read {:x} ffff 2", board.free),
        "blocks 0xffff..0x10001 are not on the device, which has 0x10000",
    )
}

#[test]
fn half_a_card_in_a_sunxi_host() -> Result<()> {
    half_a_card(&SUNXI, here!())
}

#[test]
fn half_a_card_in_a_pl181() -> Result<()> {
    half_a_card(&PL181, here!())
}
