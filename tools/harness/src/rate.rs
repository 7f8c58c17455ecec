//! What a load from a card costs, for the first stage and for Baton alike: `make bench BOARD=...`.
//!
//! Both load the kernel in the same machine, one after the other, each with its own command and its
//! own driver. [`counted`] has a QEMU plugin count (docs/testing.md); [`timed`] reads the times that
//! they print themselves, from the guest's counter, which QEMU runs by the host's time.

use std::{fs, time::Duration};

use crate::{
    build,
    card::Card,
    error::{Error, Result},
    flow,
    machine::Machine,
    pattern::regex,
    session::{Session, file_name},
};

/// The file that is loaded.
const FILE: &str = "zImage";
/// How long a load may take: QEMU counts, or the host is busy.
const LOAD: Duration = Duration::from_secs(300);
/// How long the first stage may take to its countdown.
const FIRST_STAGE: Duration = Duration::from_secs(240);
/// `bx lr`: a program that `go` calls, to be a mark.
const RETURN: u32 = 0xe12f_ff1e;

/// A board whose card can be measured.
#[derive(Clone, Copy, Debug)]
pub struct Bench {
    /// Its name, as in `BOARD=`.
    pub name: &'static str,
    machine: fn(&str) -> Result<Machine>,
    /// Whether a U-Boot comes first, which loads from the same card.
    first_stage: bool,
    /// Where its RAM is.
    ram: u32,
    /// First address and size of the SD host's registers.
    window: (u32, u32),
}

/// Every board that can be measured.
pub static BENCHES: &[Bench] = &[
    Bench {
        name: "orangepi-pc",
        machine: |name| Ok(Machine::orangepi_pc(name)),
        first_stage: true,
        ram: 0x4000_0000,
        window: (0x01c0_f000, 0x1000),
    },
    Bench {
        name: "vexpress-a15",
        machine: |name| Ok(Machine::vexpress_a15(name)?.append("console=ttyAMA0")),
        first_stage: false,
        ram: 0x8000_0000,
        window: (0x1c05_0000, 0x1000),
    },
];

/// Who loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The first stage's U-Boot.
    FirstStage,
    /// Baton.
    Baton,
}

/// What was counted between two marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Instructions.
    pub instructions: u64,
    /// Loads and stores of device registers.
    pub devices: u64,
    /// Those of the SD host's.
    pub host: u64,
}

impl Bench {
    /// Finds a board.
    pub fn find(name: &str) -> Option<&'static Self> {
        BENCHES.iter().find(|bench| bench.name == name)
    }

    /// Returns the size of the file that is loaded.
    ///
    /// # Errors
    /// It has not been built.
    pub fn bytes(&self) -> Result<u64> {
        Ok(build::read("kernel/zImage")?.len() as u64)
    }

    /// Goes through the machine's loaders and has `act` do its part at each one's prompt.
    fn at_each_prompt(
        &self,
        session: &mut Session,
        mut act: impl FnMut(&mut Session, Who) -> Result<()>,
    ) -> Result<()> {
        if self.first_stage {
            session.expect_for(flow::COUNTDOWN, FIRST_STAGE)?;
            session.send(" ");
            session.expect_prompt()?;
            act(session, Who::FirstStage)?;
            session.send_line("boot");
        }
        session.expect_for(flow::BANNER, FIRST_STAGE)?;
        flow::stop_countdown(session)?;
        flow::is_baton(session)?;
        act(session, Who::Baton)
    }

    fn command(&self) -> String {
        format!("load mmc 0:1 {:x} {FILE}", self.ram + 0x0400_0000)
    }

    fn card(&self) -> Result<Card> {
        // A copy: a card that drops what is written has a layer more, for both.
        Card::built_for(self.name)?.kept()
    }
}

/// Counts a load by each loader: instructions and accesses to devices, without those of the marks
/// themselves. Virtual time is the instructions', 16 ns each, so that nobody polls longer on a busy
/// host.
///
/// # Errors
/// Something has not been built, or the machine does not do as it is told.
pub fn counted(bench: &Bench) -> Result<Vec<(Who, Counts)>> {
    let name = format!("bench-{}", bench.name);
    let out = build::transcripts().join(format!("{}.counts", file_name(&name)));
    let marks = [bench.ram + 0x0a00_0000, bench.ram + 0x0b00_0000];
    let (start, size) = bench.window;
    let mut plugin = format!(
        "{},count={start:x}:{size:x},out={}",
        build::file("cachecheck.so")?.display(),
        out.display()
    );
    for mark in marks {
        plugin.push_str(&format!(",mark={mark:x}"));
    }
    let mut session = (bench.machine)(&name)?
        .card(bench.card()?)
        .on_newer_qemu()?
        .argument("-icount")
        .argument("shift=4,sleep=off")
        .argument("-plugin")
        .argument(plugin)
        .start()?;
    let mut all = Vec::new();
    bench.at_each_prompt(&mut session, |session, who| {
        session.run_ok(&format!("mw.l {:x} {RETURN:x}", marks[0]))?;
        session.run_ok(&format!("mw.l {:x} {RETURN:x}", marks[1]))?;
        let between = |session: &mut Session, command: &str| {
            let line = format!("go {:x}; {command}; go {:x}", marks[0], marks[1]);
            // What the marks' programs return is no status.
            session.run_for(&line, LOAD)?;
            last_pair(&out, marks)
        };
        // The first time finds the card.
        session.run_for(&bench.command(), LOAD)?;
        let nothing = between(session, "true")?;
        let load = between(session, &bench.command())?;
        all.push((
            who,
            Counts {
                instructions: load.instructions.saturating_sub(nothing.instructions),
                devices: load.devices.saturating_sub(nothing.devices),
                host: load.host.saturating_sub(nothing.host),
            },
        ));
        Ok(())
    })?;
    // It stays otherwise, as the transcript of a session that fails.
    let _ = fs::remove_file(&out);
    Ok(all)
}

/// Reads the plugin's last two lines, which must be the marks', and subtracts them.
fn last_pair(out: &std::path::Path, marks: [u32; 2]) -> Result<Counts> {
    let text = fs::read_to_string(out)
        .map_err(|error| Error::io(format!("reading {}", out.display()), error))?;
    let mut lines = text.lines().rev();
    let end = lines.next().and_then(|line| mark(line, marks[1]));
    let start = lines.next().and_then(|line| mark(line, marks[0]));
    match (start, end) {
        (Some(start), Some(end)) => Ok(Counts {
            instructions: end.instructions - start.instructions,
            devices: end.devices - start.devices,
            host: end.host - start.host,
        }),
        _ => Err(Error::check(format!(
            "the marks are not the last of:\n{text}"
        ))),
    }
}

/// Reads `mark 4a000000 instructions 7 devices 5 window 3`.
fn mark(line: &str, address: u32) -> Option<Counts> {
    let words: Vec<&str> = line.split(' ').collect();
    let [
        "mark",
        at,
        "instructions",
        instructions,
        "devices",
        devices,
        "window",
        host,
    ] = words[..]
    else {
        return None;
    };
    (u32::from_str_radix(at, 16) == Ok(address)).then_some(())?;
    Some(Counts {
        instructions: instructions.parse().ok()?,
        devices: devices.parse().ok()?,
        host: host.parse().ok()?,
    })
}

/// Has each loader load `loads` times in one run of the machine, and returns what they say it
/// took, in milliseconds.
///
/// # Errors
/// As [`counted`].
pub fn timed(bench: &Bench, loads: u32) -> Result<Vec<(Who, u64)>> {
    let name = format!("bench-{}-time", bench.name);
    let mut session = (bench.machine)(&name)?.card(bench.card()?).start()?;
    let mut all = Vec::new();
    bench.at_each_prompt(&mut session, |session, who| {
        for _ in 0..loads {
            session.send_line(&bench.command());
            let found = session.expect_for(regex("bytes read in ([0-9]+) ms"), LOAD)?;
            session.expect_prompt()?;
            let took = found.group(1).parse();
            all.push((who, took.map_err(|_| Error::check(found.text))?));
        }
        Ok(())
    })?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read() {
        let line = "mark 4a000000 instructions 7 devices 5 window 3";
        let counts = Counts {
            instructions: 7,
            devices: 5,
            host: 3,
        };
        assert_eq!(mark(line, 0x4a00_0000), Some(counts));
        assert_eq!(mark(line, 0x4b00_0000), None);
        assert_eq!(mark("mark 4a000000 instructions 7", 0x4a00_0000), None);
    }
}
