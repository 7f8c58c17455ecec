//! U-Boot -> Baton -> Debian -> kexec -> Baton -> Debian ...: a hop is one passage through Baton,
//! up to what Debian's userspace finds. `tools/initrd/soak` is its other half: it says what it
//! finds, and calls `baton-kexec`.

use std::time::Duration;

use super::{Chain, Kind, Setup};
use crate::{
    build,
    card::Card,
    error::{ErrorKind, Result},
    flow,
    pattern::regex,
    session::Session,
};

/// The chain.
pub static DEBIAN: Kind = Kind {
    name: "debian",
    about: "U-Boot -> Baton -> Debian -> kexec -> Baton -> Debian ...",
    // The kernel's NR_CPUS.
    max_cpus: 8,
    one_in: 10,
    start,
};

/// How long each step of a hop may take: Linux's start is one.
const STEP: Duration = Duration::from_secs(240);

/// Where kexec-tools puts the image: the start of RAM, and a kernel's TEXT_OFFSET.
const ENTERED_AT: &str = "0x40008000";

/// A pattern of a line, with one value in it.
struct Rule {
    /// What is said when it fails.
    name: &'static str,
    /// Up to the value.
    before: &'static str,
    /// What the value must be.
    want: Want,
}

/// What a value must be.
#[derive(Clone, Debug)]
enum Want {
    /// This.
    Is(String),
    /// What it was at the first hop that showed it: this one or the second, as what U-Boot
    /// hands over need not be what Linux does.
    SameFrom(u32),
}

struct Debian {
    session: Session,
    hops: u32,
    cpus: u32,
    image: String,
    initrd: String,
    /// The values that must not change, by rule.
    known: Vec<(&'static str, String)>,
}

fn start(setup: &Setup) -> Result<Box<dyn Chain>> {
    let mut session = setup.machine().card(Card::built()?).start()?;
    flow::baton_prompt(&mut session)?;
    Ok(Box::new(Debian {
        session,
        hops: setup.hops,
        cpus: setup.cpus,
        image: format!("{:08x}", build::crc32("kernel/zImage")?),
        initrd: format!("{:08x}", build::crc32("lab.img")?),
        known: Vec::new(),
    }))
}

impl Chain for Debian {
    fn hop(&mut self, number: u32) -> Result<u32> {
        let left = format!("{:05}", self.hops - number);
        if number == 1 {
            let words = format!("console=ttyAMA0 quiet soak={left}");
            self.session.run_ok(&format!("setenv bootargs {words}"))?;
            self.session.send_line("bdinfo; bootz -v zImage lab.img");
        } else {
            self.session.expect_for(regex("(?m)^Baton "), STEP)?;
        }
        for bad in ["Kernel panic", "Oops", "no HYP", "BUG:"] {
            self.session.forbid(bad);
        }
        // A prompt: Baton refused, or a fault was reported.
        self.session.forbid(regex("(?m)^=> $"));
        let rules = self.rules(number, left);
        for rule in &rules {
            self.check(number, rule)?;
        }
        self.session.allow_all();
        u32::try_from(rules.len()).map_err(|_| crate::Error::check("too many rules"))
    }

    fn finish(&mut self) -> Result<()> {
        let status = self.session.expect_exit(STEP)?;
        if status.success() {
            return Ok(());
        }
        Err(self.failed(format!("Linux did not turn the machine off: {status}")))
    }
}

impl Debian {
    /// Everything that a hop shows, in the order it does.
    fn rules(&self, number: u32, left: String) -> Vec<Rule> {
        let is = |name, before, value: &str| Rule {
            name,
            before,
            want: Want::Is(value.to_owned()),
        };
        let same = |first, name, before| Rule {
            name,
            before,
            want: Want::SameFrom(first),
        };
        let mode = is("mode", "mode        = ", "HYP");
        let mut rules = if number == 1 {
            vec![mode]
        } else {
            vec![
                same(2, "tree's address", "fdt_blob    = "),
                mode,
                is("entry", "entered at  = ", ENTERED_AT),
                same(2, "loader", "loader      = "),
            ]
        };
        rules.extend([
            same(1, "entry of the kernel", "Entry "),
            is("image", " KiB image, crc32 ", &self.image),
            is("initrd", " KiB initrd, crc32 ", &self.initrd),
            is("processors", "INIT: cpus=", &self.cpus.to_string()),
            is(
                "mode of the kernel",
                "INIT: hyp=CPU: All CPU\\(s\\) started in ",
                "HYP mode.",
            ),
            same(1, "files of the initrd", "SOAK: files="),
            same(1, "tree", "SOAK: tree="),
            same(1, "memory", "SOAK: memory="),
            same(1, "reserved memory", "SOAK: reserved="),
            same(1, "errors", "SOAK: errors="),
            is("hops left", "SOAK: left=", &left),
        ]);
        rules
    }

    fn check(&mut self, number: u32, rule: &Rule) -> Result<()> {
        let line = regex(&format!("(?m){}.*\r?\n", rule.before));
        let found = self.session.expect_for(line, STEP)?;
        let value = found.text.trim_end();
        let before = rule.before.replace('\\', "");
        let value = value.strip_prefix(&before).unwrap_or(value).to_owned();
        let wanted = match &rule.want {
            Want::Is(wanted) => wanted.clone(),
            Want::SameFrom(first) if number <= *first => {
                if number == *first {
                    self.known.push((rule.name, value));
                }
                return Ok(());
            }
            Want::SameFrom(_) => {
                let known = self.known.iter().find(|(name, _)| *name == rule.name);
                known.map(|(_, known)| known.clone()).unwrap_or_default()
            }
        };
        if value == wanted {
            return Ok(());
        }
        Err(self.failed(format!("{}: {value}, not {wanted}", rule.name)))
    }

    fn failed(&mut self, message: String) -> crate::Error {
        self.session.fail(ErrorKind::Check(message))
    }
}
