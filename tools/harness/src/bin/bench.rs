//! `make bench`: size, and instructions, counted exactly: from our entry to the kernel's, for a
//! load, from prompt to prompt. `make bench BOARD=orangepi-pc`: a load from that board's card, by
//! its U-Boot and by Baton.
//!
//! U-Boot loads Baton from the card and enters it; Baton boots Debian's kernel and initrd with
//! `bootdelay=0`. The marks are the first instruction at the address where `boot.scr` puts
//! Baton, and the first of the kernel where Baton says it puts it. Nothing is changed in either.
#![forbid(unsafe_code)]

use std::{process::ExitCode, time::Duration};

use harness::{
    Card, Machine, Result, build,
    caches::Watched,
    count, flow,
    rate::{BENCHES, Bench, Who, counted, timed},
    typing,
};

/// Where U-Boot puts Baton: `kernel_addr_r` of its virt board.
const LOAD_ADDRESS: u32 = 0x4040_0000;
/// A run takes seconds; this is for a host that is very busy.
const PATIENCE: Duration = Duration::from_secs(300);
/// The aims of the project: bytes and instructions.
const SIZE_AIM: u64 = 350 << 10;
const BOOT_AIM: u64 = 1_500_000;
/// What barebox 2026.06 needs as second stage for the same, counted the same way.
const BAREBOX_BOOT: u64 = 47_540_706;
/// What U-Boot 2023.01 needs for `load` of the kernel, and from there to the kernel's entry.
const UBOOT_LOAD: u64 = 433_588;

fn main() -> ExitCode {
    let board = std::env::args().nth(1).unwrap_or_default();
    let result = match board.as_str() {
        "" | "virt" => run(),
        board => card_of(board),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let size = length("baton.zimg")?;
    row("size of baton.zimg", size, "bytes", Some(SIZE_AIM));
    let entry = kernel_entry()?;
    let (first, requests) = boot(entry)?;
    let (again, _) = boot(entry)?;
    row(
        "entry to the kernel's entry",
        first,
        "instructions",
        Some(BOOT_AIM),
    );
    println!("  of which disk requests: {requests}; barebox as second stage: {BAREBOX_BOOT}");
    let same = if again == first { "equal" } else { "DIFFERS" };
    println!("  the same run again: {again} ({same})");
    let load = load()?;
    row(
        "load of the kernel at the prompt",
        load,
        "instructions",
        Some(UBOOT_LOAD),
    );
    println!("  the figure beside it is U-Boot 2023.01's");
    row(
        "the same from ext4",
        load_from_ext4()?,
        "instructions",
        Some(2 * load),
    );
    scripts()?;
    console()?;
    teardown()
}

/// The aims for a board's card: instructions a byte, and how many times U-Boot's rate.
const PER_BYTE_AIM: f64 = 0.15;
const RATE_AIM: f64 = 5.0;
/// How often the machine is started for the times, and how often each loader loads then.
const ROUNDS: u32 = 5;
const LOADS: u32 = 3;

/// `load` of the kernel from a board's card: by U-Boot, where one comes first, and by Baton.
fn card_of(board: &str) -> Result<()> {
    let bench = Bench::find(board).ok_or_else(|| {
        let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        harness::Error::check(format!(
            "no figures for BOARD={board}; there are: virt, {}",
            names.join(", ")
        ))
    })?;
    let bytes = bench.bytes()?;
    println!("load of the kernel, {bytes} bytes from FAT32 on the card of {board}");
    let per_byte = |count: u64| count as f64 / bytes as f64;
    let counts = counted(bench)?;
    let again = counted(bench)?;
    for ((who, counts), (_, again)) in counts.into_iter().zip(again) {
        // The time itself goes into what is printed, and so into its digits' divisions.
        let differs = counts.instructions.abs_diff(again.instructions);
        println!(
            "  {:<8} {:>10} instructions (again: {differs} apart), {:.4} a byte{}; \
             {} accesses to the SD host, {:.6} a byte",
            name(who),
            counts.instructions,
            per_byte(counts.instructions),
            match who {
                Who::FirstStage => String::new(),
                Who::Baton => format!(" (aim: below {PER_BYTE_AIM})"),
            },
            counts.host,
            per_byte(counts.host),
        );
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.extend(timed(bench, LOADS)?);
    }
    let rate = |milliseconds: u64| bytes as f64 / 1048.576 / milliseconds.max(1) as f64;
    let mut medians = Vec::new();
    for who in [Who::FirstStage, Who::Baton] {
        let mut all: Vec<u64> = times
            .iter()
            .filter(|(w, _)| *w == who)
            .map(|t| t.1)
            .collect();
        all.sort_unstable();
        let (Some(&best), Some(&median)) = (all.first(), all.get(all.len() / 2)) else {
            continue;
        };
        println!(
            "  {:<8} median {median} ms, {:.1} MiB/s; best {best} ms, {:.1} MiB/s; all: {all:?}",
            name(who),
            rate(median),
            rate(best)
        );
        medians.push((median, best));
    }
    if let [(theirs, their_best), (ours, our_best)] = medians[..] {
        let times = |theirs: u64, ours: u64| theirs as f64 / ours.max(1) as f64;
        println!(
            "  {:.1} times U-Boot's rate by the medians, {:.1} by the best (aim: {RATE_AIM})",
            times(theirs, ours),
            times(their_best, our_best)
        );
    }
    Ok(())
}

fn name(who: Who) -> &'static str {
    match who {
        Who::FirstStage => "U-Boot",
        Who::Baton => "Baton",
    }
}

fn scripts() -> Result<()> {
    let script = script();
    let parsing = parsing(&script)?;
    let length = script.len() as u64;
    row("parsing a 64 KiB script", parsing, "instructions", None);
    println!("  {length} bytes, {} instructions a byte", parsing / length);
    Ok(())
}

/// What is typed: lines as long as the receive FIFO, so that they can be put there at once.
const ECHO: &str = "echo 0123456789\r";
const BLANK: &str = "               \r";
/// Lines of a run. All but the first, which lets the history and the heap settle, are the same.
const LINES: usize = 20;

fn console() -> Result<()> {
    let type_lines = |line| {
        let machine = Machine::virt("bench-typing").card(card("baton.bootdelay=-1")?);
        typing(machine, LOAD_ADDRESS, &[line; LINES], PATIENCE)
    };
    let echo = type_lines(ECHO)?;
    let again = type_lines(ECHO)?;
    let blank = type_lines(BLANK)?;
    let steady = echo.lines.get(1..).unwrap_or_default();
    let (least, most) = (steady.iter().min(), steady.iter().max());
    let most = most.copied().unwrap_or(u64::MAX);
    // An instruction is a virtual nanosecond; the line itself takes no time.
    row(
        "commands through the console",
        1_000_000_000 / most.max(1),
        "a second",
        None,
    );
    println!("  \"echo 0123456789\": {most} instructions from prompt to prompt");
    let spread = most - least.copied().unwrap_or(0);
    let same = if again == echo { "equal" } else { "DIFFERS" };
    println!(
        "  spread over {} lines: {spread}; the same run again: {same}",
        steady.len()
    );
    row(
        "prompt after Enter, blank line",
        blank.latency,
        "instructions",
        None,
    );
    row(
        "prompt after Enter, that echo",
        echo.latency,
        "instructions",
        None,
    );
    Ok(())
}

fn row(what: &str, value: u64, unit: &str, aim: Option<u64>) {
    let aim = aim.map_or(String::new(), |aim| format!("(aim: below {aim})"));
    println!("{what:<34} {value:>10} {unit:<12} {aim}");
}

fn length(name: &str) -> Result<u64> {
    Ok(build::read(name)?.len() as u64)
}

/// The card's boot script, with more arguments for the kernel's command line.
fn card(arguments: &str) -> Result<Card> {
    Card::built()?.with_script(&format!(
        "setenv bootargs 'console=ttyAMA0 {arguments}'\n\
         load virtio 0:1 {LOAD_ADDRESS:x} baton.zimg\n\
         bootz {LOAD_ADDRESS:x} - ${{fdtcontroladdr}}\n"
    ))
}

/// Asks Baton where it puts the kernel.
fn kernel_entry() -> Result<u32> {
    let mut session = flow::baton_on(Machine::virt("bench-entry").cpus(1).card(card("")?))?;
    let plan = session.run_ok("bootz -n zImage initrd.img")?;
    plan.lines()
        .find_map(|line| line.strip_prefix("Entry 0x"))
        .and_then(|rest| u32::from_str_radix(rest.split(',').next()?, 16).ok())
        .ok_or_else(|| harness::Error::check(format!("no entry in the plan:\n{plan}")))
}

fn boot(entry: u32) -> Result<(u64, u32)> {
    let card = card("baton.bootdelay=0")?;
    let machine = Machine::virt("bench-boot").card(card);
    let (marks, _session) = count(machine, &[LOAD_ADDRESS, entry], PATIENCE)?;
    match marks.as_slice() {
        [ours, theirs] => Ok((
            theirs.instructions - ours.instructions,
            theirs.requests - ours.requests,
        )),
        _ => Err(harness::Error::check("two marks were asked for")),
    }
}

/// Compares the lines that the handoff to the kernel cleans by address with those that had to be:
/// what the CPU left dirty, and what the disk wrote, which may be in a cache as well
/// (docs/cachecheck.md).
fn teardown() -> Result<()> {
    let machine = Machine::virt("bench-teardown").card(card("baton.bootdelay=0")?);
    let mut watch = Watched::new(machine)?.devices().stop_after(2).start()?;
    flow::linux(&mut watch.session, "HYP", 1)?;
    let verdicts = watch.all_clean(2)?;
    let Some(last) = verdicts.handoffs.last() else {
        return Err(harness::Error::check("no handoff"));
    };
    let wanted = last.dirty + last.device;
    row(
        "lines cleaned by address",
        last.by_address.into(),
        "lines",
        Some((wanted + wanted / 10).into()),
    );
    println!(
        "  dirty: {}, written by the disk: {}; cleaned for each of them: {}.{:02}; left to set/way: {}",
        last.dirty,
        last.device,
        last.by_address / wanted.max(1),
        last.by_address % wanted.max(1) * 100 / wanted.max(1),
        last.by_set_dirty,
    );
    Ok(())
}

/// Counts `load` alone.
fn load() -> Result<u64> {
    between("bench-load", "", "load virtio 0:1 44000000 zImage", &[])
}

/// Counts `load` of the same kernel from an ext4 of Linux's own making, in /boot.
fn load_from_ext4() -> Result<u64> {
    let kernel = build::read("kernel/zImage")?;
    let add = |card: Card| {
        card.with_partitions(320, "start=256M,size=64M,type=83\n")?
            .with_ext(256, 64, &["-t", "ext4"], &[("boot/zImage", &kernel)])
    };
    let command = "load virtio 0:2 44000000 boot/zImage";
    between_on("bench-ext4", "", command, add)
}

/// A script of 64 KiB, in the manner of boards' scripts, of which nothing is run.
fn script() -> String {
    let block = "\
    # a comment, as scripts have them
    if test -e ${devtype} ${devnum}:${distro_bootpart} ${prefix}${overlay_file}.dtbo; then
        echo \"Applying kernel provided DT overlay ${overlay_prefix}-${overlay_file}.dtbo\"
        fdt apply ${load_addr} || setenv overlay_error 'true'
    elif itest ${filesize} -gt 0x100000 && test \"${overlay_error}\" != \"true\"; then
        for name in ${user_overlays:-none}; do setexpr end ${end} + ${filesize}; done
        setenv bootargs \"root=${rootdev} rootwait ${consoleargs} loglevel=${verbosity} ${extraargs}\"
    fi
";
    let (start, end) = ("if false; then\n", "fi\n");
    let times = (0x1_0000 - start.len() - end.len()) / block.len();
    [start, &block.repeat(times), end].concat()
}

/// Counts what it takes to parse a script in memory.
fn parsing(script: &str) -> Result<u64> {
    let load = "load virtio 0:1 44000000 big.txt; ";
    let file = ("big.txt", script.as_bytes());
    between("bench-script", load, "source 44000000", &[file])
}

/// Counts a command, on a card with more files.
fn between(name: &str, before: &str, command: &str, files: &[(&str, &[u8])]) -> Result<u64> {
    between_on(name, before, command, |card| {
        files
            .iter()
            .try_fold(card, |card, (name, bytes)| card.with_file(name, bytes))
    })
}

/// Counts a command: between two calls of a program that is one `bx lr`. The card is changed
/// before.
fn between_on(
    name: &str,
    before: &str,
    command: &str,
    change: impl FnOnce(Card) -> Result<Card>,
) -> Result<u64> {
    const RETURN: u32 = 0xe12f_ff1e;
    let marks = [0x4a00_0000_u32, 0x4b00_0000];
    let command = format!(
        "{before}mw {0:x} {RETURN:x}; mw {1:x} {RETURN:x}; go {0:x}; {command}; go {1:x}",
        marks[0], marks[1]
    );
    let card = card(&format!("baton.bootdelay=0 baton.bootcmd=\"{command}\""))?;
    let (marks, _session) = count(Machine::virt(name).card(change(card)?), &marks, PATIENCE)?;
    match marks.as_slice() {
        [before, after] => Ok(after.instructions - before.instructions),
        _ => Err(harness::Error::check("two marks were asked for")),
    }
}
