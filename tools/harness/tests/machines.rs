//! Machines with more than the usual in them, or something else in its place.

use harness::{Card, Machine, Result, build, flow, here, witness};

/// Boots the witness from U-Boot on, all rules passed.
fn witnessed(machine: Machine) -> Result<witness::Report> {
    let mut session = flow::baton_on(machine.card(Card::built()?))?;
    let report = witness::boot(&mut session)?;
    assert_eq!(report.rule("mode.hyp"), Some("PASS"), "{}", report.text);
    Ok(report)
}

/// Version 2 of virtio-mmio; QEMU's own default is the legacy one.
#[test]
fn modern_virtio() -> Result<()> {
    let machine = Machine::virt(here!())
        .argument("-global")
        .argument("virtio-mmio.force-legacy=false");
    witnessed(machine).map(drop)
}

#[test]
fn an_interrupt_controller_of_version_3() -> Result<()> {
    let machine = Machine::virt(here!())
        .argument("-machine")
        .argument("gic-version=3");
    witnessed(machine).map(drop)
}

/// Enters Baton directly and boots the witness from its disk: `virtio-mmio` of version 1 or 2, an
/// interrupt controller of version 2 or 3, so many processors. Each of the others was off, and comes
/// in HYP when the witness starts it by PSCI.
fn combination(name: &str, legacy: bool, gic: u32, cpus: u32) -> Result<()> {
    let machine = Machine::virt(name)
        .cpus(cpus)
        .argument("-global")
        .argument(format!("virtio-mmio.force-legacy={legacy}"))
        .argument("-machine")
        .argument(format!("gic-version={gic}"));
    let mut session = flow::baton_direct(machine.card(Card::built()?))?;
    // The last slot is the disk's.
    let version = session.run_ok("md.l a003e04 1")?;
    let expected = if legacy { 1 } else { 2 };
    assert!(
        version.starts_with(&format!("0a003e04: 0000000{expected}")),
        "{version}"
    );
    let report = witness::boot(&mut session)?;
    let expected = if cpus > 1 { "PASS" } else { "SKIP" };
    for rule in ["cpus.off", "cpus.start", "cpus.mode"] {
        let verdict = report.rule(rule).and_then(|text| text.split(' ').next());
        assert_eq!(verdict, Some(expected), "{rule}: {}", report.text);
    }
    let others = report.text.matches("report: info cpu ").count();
    assert_eq!(u32::try_from(others), Ok(cpus - 1), "{}", report.text);
    Ok(())
}

#[test]
fn legacy_virtio_gic_2_one_processor() -> Result<()> {
    combination(here!(), true, 2, 1)
}

#[test]
fn modern_virtio_gic_2_eight_processors() -> Result<()> {
    combination(here!(), false, 2, 8)
}

#[test]
fn legacy_virtio_gic_3_four_processors() -> Result<()> {
    combination(here!(), true, 3, 4)
}

#[test]
fn modern_virtio_gic_3_three_processors() -> Result<()> {
    combination(here!(), false, 3, 3)
}

/// Version 2 of the interrupt controller ends at eight.
#[test]
fn sixteen_processors() -> Result<()> {
    combination(here!(), false, 3, 16)
}

/// QEMU gives the second disk the lower address, so Baton finds it first: `virtio 0`.
#[test]
fn two_disks() -> Result<()> {
    let machine = Machine::virt(here!())
        .card(Card::built()?)
        .argument("-blockdev")
        .argument("null-co,node-name=blank,size=4194304,read-zeroes=on")
        .argument("-device")
        .argument("virtio-blk-device,drive=blank");
    let mut session = flow::baton_direct(machine)?;
    let info = session.run_ok("virtio info")?;
    assert!(
        info.contains("4.0 MB") && info.contains("256.0 MB"),
        "{info}"
    );
    let said = session.run_err("ls virtio 0")?;
    assert!(said.contains("no FAT file system"), "{said}");
    session.run_err("boot")?;
    let listed = session.run_ok("ls virtio 1")?;
    assert!(listed.contains("zImage"), "{listed}");
    session.run_ok("virtio device 1; virtio read 48000000 0 1")?;
    let signature = session.run_ok("md.w 480001fe 1")?;
    assert!(signature.starts_with("480001fe: aa55"), "{signature}");
    session.run_ok("setenv devnum 1")?;
    witness::boot(&mut session).map(drop)
}

/// A node of /reserved-memory lies where the initrd would go; nobody may even look there.
#[test]
fn memory_reserved_by_a_node() -> Result<()> {
    let node = "/reserved-memory/tee@48000000";
    let script = format!(
        "load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{kernel_addr_r}} baton.zimg\n\
         fdt addr ${{fdtcontroladdr}}\n\
         fdt resize 1000\n\
         fdt mknode / reserved-memory\n\
         fdt set /reserved-memory '#address-cells' <2>\n\
         fdt set /reserved-memory '#size-cells' <2>\n\
         fdt set /reserved-memory ranges\n\
         fdt mknode /reserved-memory tee@48000000\n\
         fdt set {node} reg <0 0x48000000 0 0x200000>\n\
         fdt set {node} no-map\n\
         bootz ${{kernel_addr_r}} - ${{fdtcontroladdr}}\n"
    );
    let card = Card::built()?.with_script(&script)?;
    let mut session = flow::baton_on(Machine::virt(here!()).card(card))?;
    let said = session.run_err("load virtio 0:1 48100000 initrd.img")?;
    assert!(said.contains("reserved memory"), "{said}");
    let said = session.run_err("bootz zImage 48000000:1000")?;
    assert!(said.contains("reserved memory tee@48000000"), "{said}");
    let said = session.run_err("md 48000000 1")?;
    assert!(said.contains("Data Abort"), "{said}");
    let plan = session.run_ok("bootz -n zImage initrd.img")?;
    assert!(plan.contains("[0x48200000-"), "{plan}");
    let report = witness::boot(&mut session)?;
    let rule = report.rule("places.unreserved");
    assert_eq!(rule, Some("PASS"), "{}", report.text);
    Ok(())
}

/// A card of 1.5 MB/s: U-Boot's and Baton's users wait for it every day.
#[test]
fn a_slow_disk_shows_progress_and_can_be_stopped() -> Result<()> {
    let image = build::file("virt/sd.img")?;
    let machine = Machine::virt(here!())
        .card(Card::built()?)
        .argument("-drive")
        .argument(format!(
            "if=none,id=slow,format=raw,snapshot=on,file={},throttling.bps-total=1500000",
            image.display()
        ))
        .argument("-device")
        .argument("virtio-blk-device,drive=slow");
    let mut session = flow::baton_direct(machine)?;
    let loaded = session.run_ok("load virtio 0:1 48000000 zImage")?;
    assert!(loaded.starts_with("##"), "{loaded}");
    session.run_ok("setenv filesize")?;
    session.send_line("load virtio 0:1 48000000 zImage; echo go-$?");
    session.expect("#")?;
    session.send("\x03");
    let stopped = session.expect_prompt()?;
    assert!(stopped.contains("<INTERRUPT>"), "{stopped}");
    assert!(!stopped.contains("go-"), "{stopped}");
    let size = session.run_err("printenv filesize")?;
    assert!(size.contains("not defined"), "{size}");
    Ok(())
}
