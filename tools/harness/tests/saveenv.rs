//! The saved environment in the machine: over resets, over kills, and in the booted Debian.

use std::{thread, time::Duration};

use harness::{Card, ErrorKind, Machine, Result, Session, ensure, flow, here, linux, regex};

/// The two copies, as docs/environment.md names them.
const FILES: [&str; 2] = ["uboot.env", "uboot-redund.env"];

/// Reads a copy as U-Boot does: its flag, and its variables in a row.
fn decode(copy: &[u8]) -> Option<(u8, String)> {
    let (crc, rest) = copy.split_first_chunk::<4>()?;
    let (flag, data) = rest.split_first()?;
    (crc32fast::hash(data).to_le_bytes() == *crc)
        .then(|| (*flag, String::from_utf8_lossy(data).into_owned()))
}

/// Returns a variable of a row.
fn variable<'a>(row: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = row.split('\0').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}

#[test]
fn variables_outlast_a_reset() -> Result<()> {
    let card = Card::built()?.kept()?;
    let mut session = flow::baton_on(Machine::virt(here!()).card(card.clone()))?;
    let shown = session.transcript();
    ensure!(
        session,
        shown.contains("*** Warning - no uboot.env on virtio 0, using default environment"),
        "no warning"
    );
    session.run_ok("setenv greeting 'hello  there; ${x}'")?;
    session.run_ok("setenv bootdelay 7")?;
    let saved = session.run_ok("saveenv")?;
    assert_eq!(saved, "Saving Environment to FAT... OK\n");
    session.run_ok("setenv greeting not saved")?;
    session.send_line("reset");
    session.expect("reset\r\n")?;
    flow::uboot_prompt(&mut session)?;
    flow::boot_card(&mut session)?;
    let found = session.expect(regex("autoboot:  (\\d)"))?;
    ensure!(session, found.text.ends_with('7'), "{}", found.text);
    session.send(" ");
    session.expect_prompt()?;
    assert_eq!(
        session.run_ok("printenv greeting")?,
        "greeting=hello  there; ${x}\n"
    );
    let info = session.run_ok("env info")?;
    assert!(info.contains("env_use_default = false"), "{info}");
    assert_eq!(
        session.run_ok("env delete greeting; env load")?,
        "Loading Environment from FAT... OK\n"
    );
    session.run_ok("env exists greeting")?;
    // What boots the card was not touched.
    assert_eq!(card.complaints()?, [""; 0]);
    for name in ["zImage", "baton.zimg", "boot.scr"] {
        assert!(card.read(name)? == Card::built()?.read(name)?, "{name}");
    }
    Ok(())
}

#[test]
fn arguments_lie_over_what_was_saved() -> Result<()> {
    let card = Card::blank(32)?;
    let start = |append: &str| {
        let baton = harness::build::file("baton.zimg")?;
        let machine = Machine::virt(here!()).kernel(&baton).card(card.clone());
        let mut session = machine.append(append).start()?;
        flow::stop_countdown(&mut session)?;
        Ok::<_, harness::Error>(session)
    };
    let mut session = start("console=ttyAMA0 baton.mine=given")?;
    assert_eq!(session.run_ok("printenv mine")?, "mine=given\n");
    session.run_ok("setenv other saved; setenv bootargs quiet; saveenv")?;
    drop(session);
    let mut session = start("console=ttyAMA0 baton.other=given")?;
    assert_eq!(session.run_ok("printenv other")?, "other=given\n");
    assert_eq!(session.run_ok("printenv bootargs")?, "bootargs=quiet\n");
    session.run_err("printenv mine")?;
    drop(session);
    let mut session = start("console=ttyAMA0")?;
    assert_eq!(session.run_ok("printenv other")?, "other=saved\n");
    Ok(())
}

/// Files made, read, cut, removed at the prompt; mtools and fsck.vfat look at the card.
#[test]
fn files_are_written_at_the_prompt() -> Result<()> {
    let card = Card::blank(32)?.with_file("kept.bin", &[9; 100_000])?;
    let machine = Machine::virt(here!()).card(card.clone());
    let mut session = flow::baton_direct(machine)?;
    session.run_ok("mw.l 48000000 5a5aa5a5 40000")?;
    let saved = session.run_ok("save virtio 0:1 48000000 dump.bin 54321")?;
    assert!(saved.starts_with("344865 bytes written in "), "{saved}");
    session.run_ok("fatsize virtio 0:1 dump.bin")?;
    assert_eq!(session.run_ok("echo ${filesize}")?, "54321\n");
    session.run_ok("fatmkdir virtio 0:1 Backups")?;
    session.run_ok("fatwrite virtio 0:1 48000000 'Backups/a long name.txt' 1000")?;
    session.run_ok("fatwrite virtio 0:1 48000000 'Backups/a long name.txt' 10 800")?;
    let refused = session.run_err("fatrm virtio 0:1 Backups")?;
    assert!(refused.contains("Backups is not empty"), "{refused}");
    let full = session.run_err("save virtio 0:1 48000000 large 4000000")?;
    assert!(full.contains("FAT: no space"), "{full}");
    session.run_ok("fatrm virtio 0:1 dump.bin")?;
    session.run_ok("load virtio 0:1 49000000 'Backups/a long name.txt'")?;
    session.run_ok("cmp.b 48000000 49000000 810")?;
    drop(session);
    assert_eq!(card.complaints()?, [""; 0]);
    assert_eq!(card.read("kept.bin")?, [9; 100_000]);
    assert_eq!(card.read("Backups/a long name.txt")?.len(), 0x810);
    assert!(card.read("dump.bin").is_err());
    Ok(())
}

/// How often the emulator is killed.
const KILLS: u32 = 50;
/// Saves with no end: on no machine do they come to it before the kill. Numbers are hexadecimal.
const SAVES: &str = "while true; do setexpr n $n + 1; setenv m $n; saveenv; done";

/// Kills the emulator while it saves. The next start finds a whole environment: what was
/// acknowledged last, or the one that was being saved.
#[test]
fn killed_in_the_middle_of_a_save() -> Result<()> {
    let card = Card::blank(32)?.with_file("kept.bin", &[9; 100_000])?;
    let (mut torn, mut cut_short) = (0, 0);
    let mut acknowledged = 0;
    // Different in each round, the same in each run.
    let mut random = 0x2545_f491_u32;
    for round in 0..KILLS {
        let machine = Machine::virt(here!()).card(card.clone());
        let mut session = flow::baton_direct(machine)?;
        if round == 0 {
            session.run_ok("setenv n 0; setenv m 0")?;
        }
        let found = session.run_ok("echo ${n} ${m}")?;
        let Some(first) =
            whole_pair(&found).filter(|n| (acknowledged..=acknowledged + 1).contains(n))
        else {
            return Err(session.fail(ErrorKind::Check(format!(
                "round {round}: {acknowledged:x} was acknowledged; there is {found}"
            ))));
        };
        session.send_line(SAVES);
        session.expect("... OK")?;
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        thread::sleep(Duration::from_micros(u64::from(random % 80_000)));
        let shown = session.kill();
        let done = u32::try_from(shown.matches("... OK").count()).unwrap_or(0);
        acknowledged = first + done;
        let last = shown.rsplit('\n').next().unwrap_or_default();
        cut_short += u32::from(last.starts_with("Saving "));

        let copies = [card.read(FILES[0])?, card.read(FILES[1])?];
        let good: Vec<_> = copies.iter().filter_map(|copy| decode(copy)).collect();
        torn += 2 - good.len();
        assert!(!good.is_empty(), "round {round}: no good copy");
        let newest = good.iter().filter_map(|(_, row)| {
            let (n, m) = (variable(row, "n")?, variable(row, "m")?);
            whole_pair(&format!("{n} {m}"))
        });
        let newest = newest.max();
        assert!(
            newest == Some(acknowledged) || newest == Some(acknowledged + 1),
            "round {round}: {acknowledged:x} was acknowledged; the newest is {newest:x?}"
        );
        assert_eq!(card.complaints()?, [""; 0], "round {round}");
    }
    assert_eq!(card.read("kept.bin")?, [9; 100_000]);
    println!("{KILLS} kills, {cut_short} within a save, {torn} copies torn");
    // Most of the loop is in `saveenv`, however fast the machine is.
    assert!(
        cut_short > KILLS / 10,
        "{cut_short} of {KILLS} were within a save"
    );
    Ok(())
}

/// Reads `7 7`, in hexadecimal digits.
fn whole_pair(text: &str) -> Option<u32> {
    let (n, m) = text.trim().split_once(' ')?;
    (n == m).then(|| u32::from_str_radix(n, 16).ok()).flatten()
}

/// docs/environment.md's configuration.
const CONFIGURATION: &str =
    "/boot/uboot.env 0x0000 0x4000\\n/boot/uboot-redund.env 0x0000 0x4000\\n";

/// Has Debian mount the card and know where the copies are.
fn configure(session: &mut Session) -> Result<()> {
    linux::run_ok(
        session,
        "mkdir -p /boot /etc /var/lock && mount -t vfat /dev/vda1 /boot",
    )?;
    linux::run_ok(
        session,
        &format!("printf '{CONFIGURATION}' >/etc/fw_env.config"),
    )?;
    Ok(())
}

/// Both ways: what Baton saves Debian's libubootenv-tool reads, and what that writes Baton loads.
#[test]
fn debian_reads_and_writes_it() -> Result<()> {
    let card = Card::built()?.kept()?;
    let mut session = flow::baton_on(Machine::virt(here!()).card(card.clone()))?;
    session.run_ok("setenv initrdfile lab.img; setenv greeting 'from  Baton'; saveenv")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)?;
    configure(&mut session)?;
    let shown = linux::run_ok(&mut session, "fw_printenv")?;
    for line in [
        "greeting=from  Baton\n",
        "initrdfile=lab.img\n",
        "bootcmd=bootz ${bootfile} ${initrdfile}\n",
    ] {
        assert!(shown.contains(line), "{line} is not in:\n{shown}");
    }
    linux::run_ok(&mut session, "fw_setenv answer 'from  Debian'")?;
    linux::run_ok(&mut session, "fw_setenv greeting")?;
    linux::run_ok(&mut session, "fw_setenv bootdelay 9")?;
    linux::run_ok(&mut session, "umount /boot")?;
    session.send("reboot -f\n");
    flow::baton_prompt(&mut session)?;
    assert!(session.transcript().contains("autoboot:  9"));
    assert_eq!(session.run_ok("printenv answer")?, "answer=from  Debian\n");
    session.run_err("printenv greeting")?;
    // And once more, over what Debian wrote.
    session.run_ok("setenv answer 42; saveenv")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)?;
    configure(&mut session)?;
    assert_eq!(
        linux::run_ok(&mut session, "fw_printenv answer")?,
        "answer=42\n"
    );
    linux::run_ok(&mut session, "umount /boot")?;
    drop(session);
    assert_eq!(card.complaints()?, [""; 0]);
    Ok(())
}
