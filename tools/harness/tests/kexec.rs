//! From Debian's Linux into Baton by stock kexec-tools, and out again.

use std::ops::Range;

use harness::{
    Card, Machine, Result, Session, arrival, build, ensure, flow, here, linux, soak, witness,
};

/// Where kexec-tools puts the image: the start of RAM, and a kernel's TEXT_OFFSET.
const ENTRY: u32 = 0x4000_8000;

/// What Baton's prompt knows of its tree, and would do with it, but for its log: that grows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct View {
    tree: String,
    map: String,
    facts: String,
}

fn view(session: &mut Session) -> Result<View> {
    let without = |text: String, words: &[&str]| -> String {
        let lines = text.lines();
        let kept = lines.filter(|line| !words.iter().any(|word| line.contains(word)));
        kept.map(|line| format!("{line}\n")).collect()
    };
    let tree = session.run_ok("fdt print")?;
    // The tree's place follows from its size, and that from the log's.
    let map = session.run_ok("bootz -n zImage lab.img")?;
    Ok(View {
        tree: without(tree, &["baton,log", "baton,boot-count"]),
        map: without(map, &["device tree"]),
        facts: without(session.run_ok("bdinfo")?, &["fdt_size"]),
    })
}

/// Returns the names of the properties in lines that only one of two texts has.
fn changed(one: &str, other: &str) -> Vec<String> {
    let only = |one: &str, other: &str| -> Vec<String> {
        let lines = one
            .lines()
            .filter(|line| !other.lines().any(|l| l == *line));
        let names = lines.map(|line| line.split(['=', ';']).next().unwrap_or_default().trim());
        names.map(str::to_owned).collect()
    };
    let mut names = only(one, other);
    names.extend(only(other, one));
    names.sort();
    names.dedup();
    names
}

/// Five times round, and nothing adds up: not a reservation, not a byte of the tree, the same map.
/// Then the witness finds everything as if no kernel had ever run.
#[test]
fn five_times_round() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let from_uboot = view(&mut session)?;
    let mut views = Vec::new();
    for _ in 0..5 {
        linux::boot_lab(&mut session, "HYP", 2)?;
        linux::kexec_to_prompt(&mut session)?;
        views.push(view(&mut session)?);
        if let [first, .., last] = views.as_slice() {
            let changed = changed(&first.tree, &last.tree);
            ensure!(
                session,
                first == last,
                "{changed:?} in the tree, or: {last:#?}"
            );
        }
    }
    // The log is all that grows, up to its page.
    session.run_ok("fdt get size size /chosen baton,log")?;
    let size = session.run_ok("printenv size")?;
    let size = size.trim().strip_prefix("size=").unwrap_or_default();
    let size = u32::from_str_radix(size, 16).unwrap_or(u32::MAX);
    ensure!(
        session,
        size <= 4096,
        "the log takes {size} bytes of the tree"
    );
    // Of U-Boot's tree only this is no longer so: kexec changed the arguments, Baton told of its
    // initrd and keeps a page for its log, the kernel used up the seed.
    let first = views.remove(0);
    let mut changed = changed(&from_uboot.tree, &first.tree);
    changed.retain(|name| !name.starts_with("baton-log@"));
    let expected = [
        "bootargs",
        "linux,initrd-end",
        "linux,initrd-start",
        "reg",
        "reserved-memory {",
        "rng-seed",
    ];
    assert_eq!(changed, expected);
    assert!(
        first.facts.contains("mode        = HYP\n"),
        "{}",
        first.facts
    );
    assert!(
        first.facts.contains(&format!("entered at  = {ENTRY:#x}\n")),
        "{}",
        first.facts
    );
    let report = witness::boot(&mut session)?;
    // PSCI says so of the CPU that Linux turned off.
    assert_eq!(report.rule("cpus.off"), Some("PASS"), "{}", report.text);
    Ok(())
}

/// Without virtualization everything works the same, in SVC.
#[test]
fn there_and_back_in_svc() -> Result<()> {
    let machine = Machine::virt(here!()).without_virtualization();
    let mut session = flow::baton_on(machine.card(Card::built()?))?;
    linux::boot_lab(&mut session, "SVC", 2)?;
    linux::kexec_to_prompt(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    ensure!(session, facts.contains("mode        = SVC\n"), "{facts}");
    linux::boot_lab(&mut session, "SVC", 2)
}

/// kexec's CPU need not be the first: `reboot_cpu` chooses it. Baton then runs there, starts the
/// kernel there, and the kernel starts CPU 0.
#[test]
fn from_the_second_cpu() -> Result<()> {
    let mut session = flow::baton(here!())?;
    linux::boot_lab(&mut session, "HYP", 2)?;
    linux::run_ok(&mut session, "echo 1 >/sys/kernel/reboot/cpu")?;
    linux::kexec_to_prompt(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    ensure!(session, facts.contains("affinity 0x1\n"), "{facts}");
    linux::boot_lab(&mut session, "HYP", 2)?;
    let said = linux::run_ok(&mut session, "dmesg | grep 'Booting Linux on physical CPU'")?;
    ensure!(session, said.contains("CPU 0x1"), "{said}");
    Ok(())
}

/// Reads `NAME address=0x.. size=0x..` of what `kexec -d` says.
fn placed(said: &str, name: &str) -> Range<u32> {
    let line = said
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_default();
    let mut numbers = line.split("=0x").skip(1).map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        u32::from_str_radix(&digits, 16).unwrap_or_default()
    });
    let start = numbers.next().unwrap_or_default();
    start..start + numbers.next().unwrap_or_default()
}

fn overlap(one: &Range<u32>, other: &Range<u32>) -> bool {
    one.start < other.end && other.start < one.end
}

/// Reads every `[0x..-0x..]` of what `bdinfo` says is taken.
fn taken(facts: &str) -> Vec<Range<u32>> {
    let number = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    // All of RAM is listed too, and is not taken.
    let lines = facts.lines().filter(|line| !line.contains("memory["));
    let ranges = lines.flat_map(|line| line.split('[')).filter_map(|text| {
        let (start, end) = text.split(']').next()?.split_once('-')?;
        Some(number(start)?..number(end)?.checked_add(1)?)
    });
    ranges.collect()
}

/// Plain `kexec -l`, no `--image-size`. kexec-tools leaves as much room as our header's size table
/// asks for; that is as much as the image really uses; the first thing it does is to point HVBAR
/// away from the old kernel, and it then writes to nothing but its own.
#[test]
fn enough_room_and_own_vectors_at_once() -> Result<()> {
    let ram = 0x4000_0000..0x4800_0000;
    let machine = Machine::virt(here!()).memory(128).card(Card::built()?);
    let (mut session, mut watcher) = machine.start_watched()?;
    flow::baton_prompt(&mut session)?;
    linux::boot_lab(&mut session, "HYP", 1)?;
    let said = linux::kexec_load(
        &mut session,
        &format!("--initrd={}/initrd.img", linux::CARD),
        "baton.bootdelay=-1",
    )?;
    let (image, initrd, tree) = (
        placed(&said, "Kernel"),
        placed(&said, "Initrd"),
        placed(&said, "DT"),
    );
    let file = build::read("baton.zimg")?;
    let length = u32::try_from(file.len()).expect("a small file");
    let runtime = u32::from_le_bytes(file[0x5c..0x60].try_into().expect("a word"));
    // kexec-tools' rule for what must stay free: what the size table says that the inflated kernel
    // takes, and behind it the image once more, with its stack and heap.
    let room = runtime + length + 0x11000;
    assert_eq!(image, ENTRY..ENTRY + room, "{said}");
    assert_eq!(
        initrd.start,
        (ENTRY + room).next_multiple_of(4096),
        "{said}"
    );
    let footprint = ENTRY..ENTRY + runtime;
    assert!(
        !overlap(&footprint, &initrd) && !overlap(&footprint, &tree),
        "{said}"
    );

    let arrival = watcher.wait(&mut session, "kexec -e\n", ENTRY, ram.clone())?;
    assert_eq!(arrival.cpsr & 0x1f, 0x1a, "not in HYP");
    assert_eq!(arrival.registers[2], tree.start, "r2 is not the tree");
    let (last, before) = arrival.instructions.split_last().expect("one at least");
    for instruction in before {
        ensure!(
            session,
            !arrival::touches_memory(*instruction),
            "{instruction:08x} before {last:08x} sets HVBAR"
        );
    }
    assert!(
        footprint.contains(&arrival.hvbar),
        "HVBAR = {:x}",
        arrival.hvbar
    );
    session.expect_prompt()?;

    let facts = session.run_ok("bdinfo")?;
    let mut own = taken(&facts);
    own.push(footprint);
    assert!(own.len() > 1, "{facts}");
    let changed = arrival.changed(&mut session)?;
    ensure!(
        session,
        !changed.is_empty(),
        "nothing has been written at all"
    );
    for page in changed.iter().flat_map(|range| range.clone().step_by(4096)) {
        let page = page..page + 4096;
        ensure!(
            session,
            own.iter().any(|own| overlap(own, &page)),
            "{page:x?} was written to, and is none of {own:x?}"
        );
    }
    let (start, size) = (initrd.start, initrd.end - initrd.start);
    let sum = session.run_ok(&format!("crc32 {start:x} {size:x}"))?;
    let wanted = format!("==> {:08x}", build::crc32("initrd.img")?);
    ensure!(session, sum.contains(&wanted), "{sum} is not {wanted}");
    Ok(())
}

/// A device that the caller left running would write to memory that is ordinary now.
#[test]
fn a_device_left_running_is_stopped_at_once() -> Result<()> {
    const STATUS: u32 = 0x70;
    let machine = Machine::virt(here!())
        .card(Card::built()?)
        .argument("-device")
        .argument("virtio-rng-device");
    let mut session = flow::baton_direct(machine)?;
    // The disk is in the last slot, this one before it.
    let slot = 0x0a00_3c00;
    let found = session.run_ok(&format!("md.l {:x} 1", slot + 8))?;
    ensure!(
        session,
        found.contains(": 00000004 "),
        "no entropy device: {found}"
    );
    // ACKNOWLEDGE and DRIVER (virtio 1.2, 2.1).
    let status = slot + STATUS;
    session.run_ok(&format!("mw.l {status:x} 3"))?;
    let running = session.run_ok(&format!("md.l {status:x} 1"))?;
    ensure!(session, running.contains(": 00000003 "), "{running}");
    session.run_ok("load virtio 0:1 50000000 baton.zimg")?;
    session.send_line("go 50000000 ${fdtcontroladdr}");
    session.expect(flow::BANNER)?;
    flow::stop_countdown(&mut session)?;
    let stopped = session.run_ok(&format!("md.l {status:x} 1"))?;
    ensure!(session, stopped.contains(": 00000000 "), "{stopped}");
    Ok(())
}

/// Three hops of `make soak CHAIN=debian`: what it checks, and that it ends well.
#[test]
fn three_hops_of_the_soak() -> Result<()> {
    let setup = soak::Setup {
        name: here!().to_owned(),
        hops: 3,
        cpus: 2,
    };
    let summary = soak::run(&soak::debian::DEBIAN, &setup, &mut |_| {})?;
    assert_eq!(summary.hops, 3);
    Ok(())
}

/// `kexec -l --initrd` puts the initrd right behind us, where the kernel must go: it is moved, told
/// from one left behind, and what an untouched Baton boots with.
#[test]
fn an_initrd_from_kexec_is_booted_with() -> Result<()> {
    let mut session = flow::baton(here!())?;
    linux::boot_lab(&mut session, "HYP", 2)?;
    let initrd = format!("--initrd={}/lab.img", linux::CARD);
    linux::kexec_load(&mut session, &initrd, "baton.bootdelay=-1")?;
    linux::kexec_go(&mut session)?;
    session.expect_prompt()?;
    let plan = session.run_ok("bootz -n zImage ${initrdfile}")?;
    let wanted = format!(" KiB initrd, crc32 {:08x}\n", build::crc32("lab.img")?);
    ensure!(session, plan.contains(&wanted), "no {wanted:?} in {plan}");
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)?;
    // This time without one: the tree still names the last one, which is nobody's now.
    linux::kexec_to_prompt(&mut session)?;
    let file = session.run_ok("printenv initrdfile")?;
    ensure!(session, file == "initrdfile=initrd.img\n", "{file}");
    let facts = session.run_ok("bdinfo")?;
    ensure!(session, !facts.contains("initrd "), "{facts}");
    Ok(())
}

/// How most people meet us: by kexec from a kernel that U-Boot booted, with an initrd that is freed
/// by now and that U-Boot's tree still names, and keeps by a /memreserve/ entry.
#[test]
fn from_a_kernel_that_uboot_booted() -> Result<()> {
    let mut session = Machine::virt(here!()).card(Card::built()?).start()?;
    flow::uboot_prompt(&mut session)?;
    flow::uboot_load(&mut session, 0x4800_0000, "lab.img")?;
    session.run_ok("setenv initrd_size ${filesize}")?;
    flow::uboot_load(&mut session, 0x4400_0000, "zImage")?;
    session.run_ok("setenv bootargs console=ttyAMA0")?;
    session.send_line("bootz 44000000 48000000:${initrd_size} ${fdtcontroladdr}");
    flow::linux(&mut session, "HYP", 2)?;
    linux::kexec_to_prompt(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    ensure!(session, !facts.contains("initrd "), "{facts}");
    ensure!(session, facts.contains("] memreserve\n"), "{facts}");
    linux::boot_lab(&mut session, "HYP", 2)?;
    linux::kexec_to_prompt(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    ensure!(session, !facts.contains("] memreserve\n"), "{facts}");
    Ok(())
}
