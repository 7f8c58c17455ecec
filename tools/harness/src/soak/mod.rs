//! The soak: chains of handoffs, each counted and checked, until the first that fails.
//!
//! A chain is a [`Kind`]: how its machine is started, and how it goes on from hop to hop. A hop
//! is one passage through Baton; [`Chain::hop`] returns only when everything that can be seen of
//! it was checked. [`run`] counts, times, and reports progress; it knows no chain.
//!
//! To add one: a module with a `pub static NAME: Kind`, and its line in [`KINDS`].

pub mod debian;
pub mod relay;
pub mod squatter;

use std::time::{Duration, Instant};

use crate::{
    error::{Error, Result},
    machine::Machine,
};

/// Every chain, in the order the tool runs them.
pub static KINDS: &[&Kind] = &[&relay::RELAY, &squatter::SQUATTER, &debian::DEBIAN];

/// A chain: its name, and how it starts.
pub struct Kind {
    /// The word that chooses it, `relay`.
    pub name: &'static str,
    /// Who hands over to whom, in one line.
    pub about: &'static str,
    /// The most processors it is run on.
    pub max_cpus: u32,
    /// Of `make soak N=..`, one hop in so many: a kernel takes longer than a payload.
    pub one_in: u32,
    /// Starts the machine and goes to where the first hop begins.
    pub start: fn(&Setup) -> Result<Box<dyn Chain>>,
}

/// A started chain.
pub trait Chain {
    /// Does hop `number` (from 1) and checks it: who comes next is entered as it is owed, and
    /// what it was handed is intact. Returns how many rules were checked; all of them passed.
    ///
    /// # Errors
    /// The first thing that is not as it must be, with the transcript (`Session::fail`).
    fn hop(&mut self, number: u32) -> Result<u32>;

    /// Ends the chain after its last hop: turns the machine off, checks what only shows then.
    ///
    /// # Errors
    /// As for [`Chain::hop`].
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// How a chain is run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The machine's and its transcript's name.
    pub name: String,
    /// How many hops.
    pub hops: u32,
    /// How many processors; above 8 the machine has a GICv3.
    pub cpus: u32,
}

impl Setup {
    /// Describes the machine that every chain starts from: `virt` with so many processors.
    pub fn machine(&self) -> Machine {
        let machine = Machine::virt(&self.name).cpus(self.cpus);
        if self.cpus > 8 {
            // A GICv2 has 8 CPU interfaces (IHI 0048, 2.1).
            return machine.argument("-machine").argument("gic-version=3");
        }
        machine
    }
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Hops that were checked, all of them good.
    pub hops: u32,
    /// Rules that passed, over all hops.
    pub rules: u64,
    /// Time, from the machine's start on.
    pub time: Duration,
}

/// Runs a chain for all its hops, or to the first that fails. `progress` is told after each.
///
/// # Errors
/// The first hop that is not as it must be: its number, why, and where the transcript lies.
pub fn run(kind: &Kind, setup: &Setup, progress: &mut dyn FnMut(&Summary)) -> Result<Summary> {
    let start = Instant::now();
    let mut summary = Summary::default();
    let failed = |hop: u32, error: Error| {
        error.context(format!("{}, hop {hop} of {}", setup.name, setup.hops))
    };
    let mut chain = (kind.start)(setup).map_err(|error| failed(1, error))?;
    for number in 1..=setup.hops {
        let rules = chain.hop(number).map_err(|error| failed(number, error))?;
        if rules == 0 {
            // A hop of which nothing was checked proves nothing.
            return Err(failed(number, Error::check("no rule was checked")));
        }
        summary.hops = number;
        summary.rules += u64::from(rules);
        summary.time = start.elapsed();
        progress(&summary);
    }
    chain.finish().map_err(|error| failed(setup.hops, error))?;
    summary.time = start.elapsed();
    Ok(summary)
}
