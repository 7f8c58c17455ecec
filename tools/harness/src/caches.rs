//! Runs a machine under the cache checker and reads its verdicts. See docs/cachecheck.md.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    build,
    error::{Error, Result},
    machine::Machine,
    session::{Session, file_name},
};

/// The plugin in the build folder.
const PLUGIN: &str = "cachecheck.so";
/// QEMU 10 or later in the build folder.
const QEMU: &str = "qemu10/qemu-system-arm";
/// How long QEMU may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the boards have their RAM: `virt` and the Orange Pi.
const RAM: u64 = 0x4000_0000;

/// A machine that is watched, not started yet.
#[derive(Debug)]
pub struct Watched {
    machine: Machine,
    stop_after: u32,
    devices: bool,
    elf: Vec<PathBuf>,
}

/// A running machine that is watched.
pub struct Watch {
    /// Its console.
    pub session: Session,
    verdicts: PathBuf,
}

/// What the checker says of a handoff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The image's address.
    pub entry: u32,
    /// What the payload consists of, as the checker saw it.
    pub head: String,
    /// What was wrong.
    pub violations: Vec<Violation>,
    /// The checker has spoken: `CLEAN` or `VIOLATION`.
    pub word: Option<String>,
    /// Lines that were dirty when the teardown began.
    pub dirty: u32,
    /// Lines that a device wrote since the handoff before, with [`Watched::devices`].
    pub device: u32,
    /// Lines cleaned by address, and those of them that were dirty.
    pub by_address: u32,
    /// See `by_address`.
    pub by_address_dirty: u32,
    /// Lines brought to memory by set and way.
    pub by_set_dirty: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule: `dirty`, `icache`, `tlb-hyp`...
    pub kind: String,
    /// Where and who.
    pub text: String,
}

impl Violation {
    /// Returns the word after `name`: `owner`, `writer`, `lines`, `by`.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut words = self.text.split(' ').skip_while(|word| *word != name);
        words.nth(1)
    }

    /// Returns the first and the last address, if it is about lines.
    pub fn range(&self) -> Option<(u32, u64)> {
        let (start, end) = self.text.split(' ').next()?.split_once("..")?;
        let start = u32::from_str_radix(start, 16).ok()?;
        Some((start, u64::from_str_radix(end, 16).ok()?))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.text)
    }
}

/// Everything that the checker said of a run.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// The handoffs in their order.
    pub handoffs: Vec<Verdict>,
    /// Why nothing can be concluded, if so.
    pub inconclusive: Option<String>,
    /// All of it.
    pub text: String,
}

impl Verdicts {
    /// Reads the checker's report.
    pub fn parse(text: &str) -> Self {
        let mut verdicts = Self {
            text: text.to_owned(),
            inconclusive: Some("the machine was stopped before the checker's last word".to_owned()),
            ..Self::default()
        };
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words.as_slice() {
                ["handoff", number, what, rest] => {
                    let Ok(number) = number.parse::<usize>() else {
                        continue;
                    };
                    if verdicts.handoffs.len() < number {
                        verdicts.handoffs.resize(number, Verdict::default());
                    }
                    if let Some(verdict) = verdicts.handoffs.last_mut() {
                        verdict.line(what, rest);
                    }
                }
                ["end", "INCONCLUSIVE", ..] => {
                    verdicts.inconclusive = Some(line.trim_start_matches("end ").to_owned());
                }
                ["end", ..] => verdicts.inconclusive = None,
                _ => {}
            }
        }
        if verdicts.inconclusive.is_none() && verdicts.handoffs.is_empty() {
            verdicts.inconclusive = Some("no handoff was seen".to_owned());
        }
        verdicts
    }

    /// Makes sure that there were `count` handoffs and that each was clean.
    ///
    /// # Errors
    /// There were others, or one was not, or nothing can be concluded.
    pub fn all_clean(&self, count: usize) -> Result<()> {
        if let Some(why) = &self.inconclusive {
            return Err(Error::check(format!("inconclusive: {why}\n{}", self.text)));
        }
        let clean = |verdict: &Verdict| verdict.word.as_deref() == Some("CLEAN");
        if self.handoffs.len() != count || !self.handoffs.iter().all(clean) {
            return Err(Error::check(format!(
                "not {count} clean handoffs:\n{}",
                self.text
            )));
        }
        Ok(())
    }
}

impl Verdict {
    /// Returns where a part of the payload is: `image`, `tree`, `initrd`.
    pub fn part(&self, name: &str) -> Option<(u32, u32)> {
        let mut words = self.head.split(' ').skip_while(|word| *word != name);
        let (start, end) = words.nth(1)?.split_once("..")?;
        let number = |text| u32::from_str_radix(text, 16).ok();
        Some((number(start)?, number(end)?))
    }

    fn line(&mut self, what: &str, rest: &str) {
        match what {
            "entry" => {
                let entry = rest.split(' ').next().unwrap_or("");
                self.entry = u32::from_str_radix(entry, 16).unwrap_or(0);
                rest.clone_into(&mut self.head);
            }
            "lines" => {
                let words: Vec<&str> = rest.split(' ').collect();
                for pair in words.chunks_exact(2) {
                    let [name, number] = pair else { continue };
                    let number = number.parse().unwrap_or(0);
                    match *name {
                        "dirty" => self.dirty = number,
                        "device" => self.device = number,
                        "by-address" => self.by_address = number,
                        "by-address-dirty" => self.by_address_dirty = number,
                        "by-set-dirty" => self.by_set_dirty = number,
                        _ => {}
                    }
                }
            }
            "VIOLATION" => {
                let (kind, text) = rest.split_once(' ').unwrap_or((rest, ""));
                self.violations.push(Violation {
                    kind: kind.to_owned(),
                    text: text.to_owned(),
                });
            }
            "verdict" => self.word = Some(rest.to_owned()),
            _ => {}
        }
    }
}

impl Watched {
    /// Has a machine watched. It has one processor, or one that runs, so that the order of what
    /// happens is the order in which the checker sees it.
    ///
    /// # Errors
    /// The loader has not been built.
    pub fn new(machine: Machine) -> Result<Self> {
        Ok(Self {
            machine: machine.one_cpu(),
            stop_after: 0,
            devices: false,
            elf: build::file(BATON_ELF).into_iter().collect(),
        })
    }

    /// Judges `count` handoffs; when the last payload has its own caches on, the machine goes on
    /// unwatched, at full speed.
    pub fn stop_after(mut self, count: u32) -> Self {
        self.stop_after = count;
        self
    }

    /// Has the lines counted that devices write.
    pub fn devices(mut self) -> Self {
        self.devices = true;
        self
    }

    /// Names the functions of another program than Baton as it is built.
    pub fn elf(mut self, path: &Path) -> Self {
        self.elf = vec![path.to_owned()];
        self
    }

    /// Starts the machine.
    ///
    /// # Errors
    /// The checker or its QEMU has not been built, or as [`Machine::start`].
    pub fn start(self) -> Result<Watch> {
        let plugin = build::file(PLUGIN)?;
        let qemu = build::file(QEMU)?;
        let folder = build::transcripts();
        fs::create_dir_all(&folder)
            .map_err(|error| Error::io(format!("creating {}", folder.display()), error))?;
        let verdicts = folder.join(format!("{}.caches", file_name(self.machine.name())));
        // One of an earlier run must not speak for this one.
        let _ = fs::remove_file(&verdicts);
        let size = u64::from(self.machine.memory_size_mib()) << 20;
        let mut options = format!(
            "{},ram={RAM:x}:{size:x},out={},stop-after={}",
            plugin.display(),
            verdicts.display(),
            self.stop_after
        );
        if self.devices {
            options.push_str(",devices=on");
        }
        for elf in &self.elf {
            options.push_str(&format!(",elf={}", elf.display()));
        }
        let session = self
            .machine
            .emulator(&qemu)
            .argument("-accel")
            .argument("tcg,thread=single")
            .argument("-plugin")
            .argument(options)
            .start()?;
        Ok(Watch { session, verdicts })
    }
}

/// The ELF file of the loader in the build folder.
const BATON_ELF: &str = "target/thumbv7a-none-eabi/release/baton";

impl Watch {
    /// Ends the machine and returns what the checker said.
    ///
    /// # Errors
    /// The machine does not end, or there is no report.
    pub fn verdicts(mut self) -> Result<Verdicts> {
        if self.session.is_running() {
            // It may turn itself off just now.
            let _ = self.session.monitor()?.execute("quit", "{}");
        }
        self.session.expect_exit(PATIENCE)?;
        let text = fs::read_to_string(&self.verdicts)
            .map_err(|error| Error::io(format!("reading {}", self.verdicts.display()), error))?;
        Ok(Verdicts::parse(&text))
    }

    /// As [`Watch::verdicts`], and makes sure that there were `count` handoffs, all clean.
    ///
    /// # Errors
    /// As [`Watch::verdicts`] and [`Verdicts::all_clean`].
    pub fn all_clean(self, count: usize) -> Result<Verdicts> {
        let verdicts = self.verdicts()?;
        verdicts.all_clean(count)?;
        Ok(verdicts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
cachecheck ram 40000000..60000000
handoff 1 entry 40400000 cpu 0 hyp caches off image 40400000..40430744
handoff 1 lines dirty 5 device 7 by-address 32 by-address-dirty 30 by-set 37376 by-set-dirty 2
handoff 1 verdict CLEAN
handoff 2 entry 40008000 cpu 0 hyp caches off image 40008000..400127c4
handoff 2 VIOLATION dirty 40430600..40430740 lines 5 owner image writer baton:memcpy
handoff 2 verdict VIOLATION
";

    #[test]
    fn a_report_is_read() {
        let verdicts = Verdicts::parse(&format!("{REPORT}end handoffs 2\n"));
        assert_eq!(verdicts.inconclusive, None);
        let [first, second] = verdicts.handoffs.as_slice() else {
            panic!("{verdicts:?}");
        };
        assert_eq!(first.word.as_deref(), Some("CLEAN"));
        assert_eq!(
            (first.dirty, first.by_address, first.by_set_dirty),
            (5, 32, 2)
        );
        assert_eq!((first.device, first.by_address_dirty), (7, 30));
        assert_eq!(second.entry, 0x4000_8000);
        assert_eq!(second.part("image"), Some((0x4000_8000, 0x4001_27c4)));
        assert_eq!(second.part("tree"), None);
        let found = &second.violations[0];
        assert_eq!(found.kind, "dirty");
        assert_eq!(found.field("owner"), Some("image"));
        assert_eq!(found.range(), Some((0x4043_0600, 0x4043_0740)));
        assert!(verdicts.all_clean(2).is_err());
    }

    #[test]
    fn silence_is_not_clean() {
        for text in [
            "",
            REPORT,
            "end INCONCLUSIVE no handoff was seen\n",
            "end handoffs 0\n",
        ] {
            let verdicts = Verdicts::parse(text);
            assert!(verdicts.inconclusive.is_some(), "{text}");
            assert!(verdicts.all_clean(0).is_err(), "{text}");
        }
    }

    #[test]
    fn a_handoff_without_a_verdict_is_not_clean() {
        let text = "handoff 1 entry 40400000 cpu 0 hyp caches off\nend handoffs 1\n";
        assert!(Verdicts::parse(text).all_clean(1).is_err());
    }
}
