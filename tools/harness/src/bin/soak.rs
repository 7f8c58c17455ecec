//! `make soak N=1000 CHAIN=relay CPUS="1 8"`: the chains of [`harness::soak`], one after the other.
//!
//! Words `N=`, `CHAIN=` and `CPUS=` as `make` passes them; an empty one is the default. Ends at
//! the first hop that fails, with its transcript's name.
#![forbid(unsafe_code)]

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use harness::{
    Error, Result,
    soak::{self, KINDS, Kind, Setup, Summary},
};

/// How often progress is said where nobody can rewrite a line.
const INTERVAL: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match Plan::parse(std::env::args().skip(1)).and_then(|plan| plan.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What was asked for.
struct Plan {
    hops: u32,
    chains: Vec<&'static Kind>,
    cpus: Vec<u32>,
}

impl Plan {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self> {
        let mut plan = Self {
            hops: 1000,
            chains: KINDS.to_vec(),
            cpus: vec![1, 2, 8, 16],
        };
        for word in words {
            match word.split_once('=') {
                Some((_, "")) => {}
                Some(("N", value)) => plan.hops = number(&word, value)?,
                Some(("CHAIN", value)) => plan.chains = chains(value)?,
                Some(("CPUS", value)) => {
                    let numbers = value.split_whitespace().map(|value| number(&word, value));
                    plan.cpus = numbers.collect::<Result<_>>()?;
                }
                _ => return Err(Error::check(format!("{word}: not N=, CHAIN= or CPUS="))),
            }
        }
        Ok(plan)
    }

    fn run(&self) -> Result<()> {
        let mut lines = Vec::new();
        for kind in &self.chains {
            println!("==> {}: {}", kind.name, kind.about);
            for &cpus in self.cpus.iter().filter(|&&cpus| cpus <= kind.max_cpus) {
                let setup = Setup {
                    name: format!("soak-{}-{cpus}", kind.name),
                    hops: (self.hops / kind.one_in).max(1),
                    cpus,
                };
                let summary = soak::run(kind, &setup, &mut progress(&setup))?;
                lines.push(line(kind, &setup, &summary));
            }
        }
        println!("{}", lines.join("\n"));
        Ok(())
    }
}

fn number(word: &str, value: &str) -> Result<u32> {
    let number = value.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| Error::check(format!("{word}: \"{value}\" is no number above 0")))
}

fn chains(names: &str) -> Result<Vec<&'static Kind>> {
    let find = |name: &str| {
        let found = KINDS.iter().copied().find(|kind| kind.name == name);
        found.ok_or_else(|| {
            let all: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            Error::check(format!("no chain {name}; there is: {}", all.join(", ")))
        })
    };
    names.split_whitespace().map(find).collect()
}

/// Rewrites a line on a terminal; elsewhere says one now and then.
fn progress(setup: &Setup) -> impl FnMut(&Summary) {
    let (name, hops) = (setup.name.clone(), setup.hops);
    let terminal = std::io::stdout().is_terminal();
    let mut said = Instant::now();
    move |summary| {
        let last = summary.hops == hops;
        if terminal {
            print!("\r{name}: {} of {hops} hops", summary.hops);
            if last {
                println!();
            }
            // Nobody to tell if that fails.
            let _ = std::io::stdout().flush();
        } else if last || said.elapsed() >= INTERVAL {
            said = Instant::now();
            println!("{name}: {} of {hops} hops", summary.hops);
        }
    }
}

fn line(kind: &Kind, setup: &Setup, summary: &Summary) -> String {
    let seconds = summary.time.as_secs_f64();
    format!(
        "{:<9} {:>6} hops on {:>2} CPUs: {} rules passed, 0 failed, {seconds:.1} s ({:.1} hops/s)",
        kind.name,
        summary.hops,
        setup.cpus,
        summary.rules,
        f64::from(summary.hops) / seconds.max(0.001),
    )
}
