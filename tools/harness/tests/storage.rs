//! ext4 and partitions on cards that Debian's own tools made.

use harness::{Card, Machine, Result, Session, build, ensure, flow, here};

/// Where the partitions of [`card`] begin, in MiB.
const ROOT: u32 = 256;
const LOGICAL: u32 = 322;

/// The board's card, grown: a root of Linux, and two logical partitions.
fn card(board: &str) -> Result<Card> {
    let table = "start=256M,size=64M,type=83\nstart=320M,type=5\n\
                 start=322M,size=16M,type=83\nstart=340M,size=16M,type=c\n";
    let (kernel, initrd) = (build::read("kernel/zImage")?, build::read("initrd.img")?);
    let files: [(&str, &[u8]); 6] = [
        ("boot/zImage", &kernel),
        ("boot/initrd.img", &initrd),
        ("boot/vmlinuz->zImage", b""),
        ("boot/readme.txt", b"a root of Linux\n"),
        ("kernel->/boot/vmlinuz", b""),
        ("etc/fstab", b""),
    ];
    Card::built_for(board)?
        .with_partitions(512, table)?
        .with_ext(ROOT, 64, &["-t", "ext4"], &files)?
        .with_ext(
            LOGICAL,
            16,
            &["-t", "ext2", "-b", "1024"],
            &[("logical.txt", b"fifth\n")],
        )
}

/// What works on FAT works on partitions 2 and 5.
fn check(session: &mut Session, interface: &str, address: u32) -> Result<()> {
    let expected = build::crc32("kernel/zImage")?;
    for path in ["/boot/zImage", "boot/vmlinuz", "kernel"] {
        session.run_ok(&format!("mw.l {address:x} 0 10"))?;
        let said = session.run_ok(&format!("load {interface} 0:2 {address:x} {path}"))?;
        ensure!(session, said.contains("5526016 bytes read in "), "{said}");
        let said = session.run_ok(&format!("crc32 {address:x} ${{filesize}}"))?;
        ensure!(session, said.contains(&format!("{expected:08x}")), "{said}");
    }
    let listed = session.run_ok(&format!("ls {interface} 0:2 /boot"))?;
    for line in [
        "  5526016   zImage\n",
        "    <SYM>   vmlinuz\n",
        "\n4 file(s), 0 dir(s)\n",
    ] {
        ensure!(session, listed.contains(line), "{listed}");
    }
    let other = session.run_ok(&format!("ext4ls {interface} 0:2 boot"))?;
    ensure!(session, other == listed, "{other}");
    let listed = session.run_ok(&format!("ls {interface} 0:2"))?;
    ensure!(
        session,
        listed.contains("            lost+found/\n"),
        "{listed}"
    );
    for (line, shown) in [
        ("fstype INTERFACE 0:2", "ext4\n"),
        ("fstype INTERFACE 0:5", "ext4\n"),
        ("cat INTERFACE 0:2 boot/readme.txt", "a root of Linux\n"),
        ("cat INTERFACE 0:5 logical.txt", "fifth\n"),
        (
            "size INTERFACE 0:2 boot/zImage; printenv filesize",
            "filesize=545200\n",
        ),
        (
            "ext4size INTERFACE 0:5 /logical.txt; printenv filesize",
            "filesize=6\n",
        ),
        (
            "if test -e INTERFACE 0:2 boot/zImage; then echo yes; fi",
            "yes\n",
        ),
        (
            "if test -e INTERFACE 0:2 boot/none; then echo yes; else echo no; fi",
            "no\n",
        ),
        ("part list INTERFACE 0 v; printenv v", "v=1 2 3 5 6\n"),
    ] {
        let said = session.run_ok(&line.replace("INTERFACE", interface))?;
        ensure!(session, said == shown, "{line}: {said}");
    }
    session.run_ok(&format!(
        "ext2load {interface} 0:5 {address:x} /logical.txt"
    ))?;
    for line in [
        "save INTERFACE 0:2 ADDRESS new 10",
        "fatwrite INTERFACE 0:2 ADDRESS boot/readme.txt 10",
        "ext4write INTERFACE 0:2 ADDRESS /new 10",
        "fatmkdir INTERFACE 0:2 new",
        "fatrm INTERFACE 0:2 boot/readme.txt",
    ] {
        let line = line
            .replace("INTERFACE", interface)
            .replace("ADDRESS", &format!("{address:x}"));
        let said = session.run_err(&line)?;
        ensure!(
            session,
            said.contains("ext4 is not written here"),
            "{line}: {said}"
        );
    }
    let said = session.run_err(&format!("load {interface} 0:6 {address:x} x"))?;
    ensure!(session, said.contains("no FAT file system"), "{said}");
    let said = session.run_err(&format!("load {interface} 0:7 {address:x} x"))?;
    ensure!(session, said.contains("no partition 7"), "{said}");
    Ok(())
}

/// Commands, completion, a boot with nothing on FAT; and the card is as it was.
#[test]
fn a_root_of_linux() -> Result<()> {
    let card = card("virt")?.kept()?;
    let before = card.content()?;
    let mut session = flow::baton_on(Machine::virt(here!()).card(card.clone()))?;
    check(&mut session, "virtio", 0x4800_0000)?;
    session.send("cat virtio 0:2 boot/rea\t");
    session.expect("boot/readme.txt ")?;
    session.send("\r");
    session.expect("a root of Linux\r\n")?;
    session.expect("=> ")?;
    session.run_ok("setenv distro_bootpart 2")?;
    ensure!(
        session,
        card.content()? == before,
        "the card was written to"
    );
    session.run_ok("setenv bootargs console=ttyAMA0")?;
    session.run_ok("setenv bootcmd bootz /boot/vmlinuz boot/initrd.img")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)
}

/// The same from an SD card.
#[test]
fn a_root_of_linux_on_mmc() -> Result<()> {
    let mut session = Machine::vexpress_a15(here!())?
        .card(card("vexpress-a15")?)
        .append(
            "console=ttyAMA0 baton.distro_bootpart=2 baton.bootfile=boot/zImage \
             baton.initrdfile=/boot/initrd.img",
        )
        .start()?;
    session.expect(flow::BANNER)?;
    flow::stop_countdown(&mut session)?;
    check(&mut session, "mmc", 0x9000_0000)?;
    let said = session.run_err("saveenv")?;
    ensure!(session, said.contains("ext4 is not written here"), "{said}");
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)
}

/// Tables as U-Boot shows them, to the byte.
#[test]
fn tables_are_shown_as_uboot_does() -> Result<()> {
    let lines = [
        "part list virtio 0",
        "part start virtio 0 2",
        "part size virtio 0 5",
        "part uuid virtio 0:2",
        "part list virtio 0 v; printenv v",
    ];
    let mut said = Vec::new();
    let mut session = Machine::virt(here!()).card(card("virt")?).start()?;
    flow::uboot_prompt(&mut session)?;
    session.run_ok("virtio scan")?;
    for line in lines {
        said.push(session.run_ok(line)?);
    }
    flow::boot_card(&mut session)?;
    flow::stop_countdown(&mut session)?;
    for (line, uboot) in lines.iter().zip(said) {
        let ours = session.run_ok(line)?;
        ensure!(session, ours == uboot, "{line}: {ours}\nU-Boot: {uboot}");
    }
    Ok(())
}

/// A GPT that sfdisk made.
fn gpt() -> Result<Card> {
    let table = "label: gpt\nlabel-id: 328D0604-673B-CD4B-94FE-4BA384384A37\n\
        start=1M,size=8M,name=one,uuid=328D0604-673B-CD4B-94FE-4BA384384A38\n\
        start=9M,size=16M,name=root,attrs=LegacyBIOSBootable,\
        uuid=328D0604-673B-CD4B-94FE-4BA384384A39\n";
    Card::with_new_table(32, table)?.with_ext(9, 16, &["-t", "ext4"], &[("hello", b"there\n")])
}

#[test]
fn a_gpt() -> Result<()> {
    let lines = [
        "part list virtio 0",
        "part uuid virtio 0:2",
        "part start virtio 0 2",
    ];
    let mut session = Machine::virt(here!()).card(gpt()?).start()?;
    flow::uboot_prompt(&mut session)?;
    session.run_ok("virtio scan")?;
    let mut said = Vec::new();
    for line in lines {
        said.push(session.run_ok(line)?);
    }
    drop(session);
    let mut session = flow::baton_direct(Machine::virt(here!()).card(gpt()?))?;
    for (line, uboot) in lines.iter().zip(said) {
        let ours = session.run_ok(line)?;
        ensure!(session, ours == uboot, "{line}: {ours}\nU-Boot: {uboot}");
    }
    // The bootable one.
    assert_eq!(session.run_ok("cat virtio 0 hello")?, "there\n");
    drop(session);
    // The copy at the end, and then none.
    let broken = gpt()?.corrupt(|card| card[512 + 40] ^= 1)?;
    let mut session = flow::baton_direct(Machine::virt(here!()).card(broken.clone()))?;
    let shown = session.run_ok("part list virtio 0")?;
    let first = "*** Using Backup GPT, broken GPT: header CRC ***\n";
    ensure!(
        session,
        shown.starts_with(first) && shown.contains("\"root\""),
        "{shown}"
    );
    assert_eq!(session.run_ok("cat virtio 0:2 hello")?, "there\n");
    drop(session);
    let broken = broken.corrupt(|card| {
        let last = card.len() - 512;
        card[last] = 0;
    })?;
    let mut session = flow::baton_direct(Machine::virt(here!()).card(broken))?;
    let said = session.run_err("ls virtio 0:2")?;
    ensure!(session, said.contains("broken GPT: header CRC"), "{said}");
    flow::is_baton(&mut session)
}

/// Finds bytes in a part of the card.
#[allow(clippy::indexing_slicing, clippy::expect_used)] // This is part of tests.
fn position(card: &[u8], from: usize, bytes: &[u8]) -> usize {
    let mut windows = card[from..].windows(bytes.len());
    from + windows
        .position(|found| found == bytes)
        .expect("it is on the card")
}

/// Each damage is named, soon; nothing is written; the other partitions stay readable.
#[test]
fn damage_is_named() -> Result<()> {
    let table = "start=1M,size=8M,type=83\nstart=9M,size=8M,type=83\nstart=17M,type=5\n\
                 start=18M,size=2M,type=83\nstart=22M,size=2M,type=83\n";
    let files: [(&str, &[u8]); 2] = [("here/file.txt", b"content\n"), ("here/other.txt", b"x")];
    let good = Card::with_new_table(32, table)?
        .with_ext(1, 8, &["-t", "ext4", "-b", "1024"], &files)?
        .with_ext(
            9,
            8,
            &["-t", "ext4", "-b", "4096"],
            &[("second", b"fine\n")],
        )?;
    const FIRST: usize = 1 << 20;
    type Change = fn(&mut Vec<u8>);
    let damages: [(&str, &str, Change); 6] = [
        (
            "cat virtio 0:1 here/file.txt",
            "bad checksum: superblock 0x0",
            |card| {
                card[FIRST + 1024 + 0x78] ^= 1;
            },
        ),
        (
            "ls virtio 0:1 here",
            "bad checksum: directory block",
            |card| {
                let at = position(card, FIRST, b"other.txt");
                card[at] = b'O';
            },
        ),
        (
            "cat virtio 0:1 here/file.txt",
            "bad checksum: group 0x0",
            |card| {
                card[FIRST + 2048 + 8] ^= 1;
            },
        ),
        (
            "cat virtio 0:1 second",
            "partitions 1 and 2 overlap",
            |card| {
                card[446 + 12..446 + 16].copy_from_slice(&0x8000_u32.to_le_bytes());
            },
        ),
        ("cat virtio 0:1 second", "is not on the disk", |card| {
            card[446 + 12..446 + 16].fill(0xff);
        }),
        (
            "part list virtio 0",
            "chain of logical partitions loops at block",
            |card| {
                let last = position(card, 18 << 20, &[0x55, 0xaa]) - 510;
                card[last + 446 + 16..][..16]
                    .copy_from_slice(&[0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0]);
            },
        ),
    ];
    for (line, message, change) in damages {
        let card = good.clone().corrupt_copy(change)?;
        let before = card.content()?;
        let mut session = flow::baton_direct(Machine::virt(here!()).card(card.clone()))?;
        let said = session.run_err(line)?;
        ensure!(session, said.contains(message), "{line}: {said}");
        if line != "cat virtio 0:1 second" {
            assert_eq!(session.run_ok("cat virtio 0:2 second")?, "fine\n");
        }
        flow::is_baton(&mut session)?;
        ensure!(
            session,
            card.content()? == before,
            "{line}: the card was written to"
        );
    }
    Ok(())
}
