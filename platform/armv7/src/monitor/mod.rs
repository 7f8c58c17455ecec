//! The monitor that stays in secure state when Baton was entered there: what it is told, and how
//! it gets to the pages in which it outlives us.
//!
//! The code is `asm/monitor.S` and `asm/psci.S`. It knows no board: what has to be done to start a
//! processor or to reset the machine are lists of [`Step`]. See docs/boot-flow.md, "Secure entry".

use core::fmt;

use platform_api::Step;

#[cfg(target_arch = "arm")]
mod resident;

#[cfg(target_arch = "arm")]
pub use resident::{InstallError, close, install, is_resident, note, prepare};

/// Bytes of the memory that the monitor stays in.
pub const BYTES: u64 = 8192;

/// Processors it can be told of.
pub const MAX_CPUS: usize = 16;

/// Words that [`Plan::encode`] may need: what the code leaves of the pages.
pub const DATA_WORDS: usize = 1280;

/// Words of the data's head: see [`Plan::encode`].
const HEAD_WORDS: usize = 16;

/// Words of a processor's record, its stack included.
const RECORD_WORDS: usize = 32;

/// The flag that says that the interrupt controller is in system registers.
const GIC_SYSTEM_REGISTERS: u32 = 1 << 0;

/// AFFINITY_INFO's answers, which are the states in the records (DEN 0022, 5.1.5).
const ON: u32 = 0;
const OFF: u32 = 1;

/// What the monitor is to do on this machine.
///
/// A list is carried out in order, by one processor at a time, in secure state with MMU and
/// caches off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Every processor that PSCI is to know, the one that runs included: its affinity (MPIDR bits
    /// 23:0) and what starts it. An empty list: it can only be started again after it has turned
    /// itself off by CPU_OFF.
    pub cpus: &'a [(u32, &'a [Step])],
    /// What each processor does for itself before it leaves secure state, the one that runs
    /// included: the interrupt controller's banked registers.
    pub every_cpu: &'a [Step],
    /// What is done once, at once, before `every_cpu`: what the machine has only one of.
    pub now: &'a [Step],
    /// What resets the machine; empty if nothing does.
    pub reset: &'a [Step],
    /// What turns it off; empty if nothing does.
    pub power_off: &'a [Step],
    /// What CNTFRQ is to say in Hz where it says 0; 0 leaves it.
    pub timer_frequency: u32,
    /// The interrupt controller's processor interface is in system registers (GICv3): the monitor
    /// opens it to non-secure state.
    pub gic_system_registers: bool,
}

/// Why a plan cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// More processors than [`MAX_CPUS`].
    TooManyCpus(usize),
    /// The processor that runs, of this affinity, is not among them.
    BootCpuMissing(u32),
    /// This affinity is there twice.
    Twice(u32),
    /// The steps take more than [`DATA_WORDS`] words.
    TooManySteps,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyCpus(count) => write!(f, "{count} CPUs, at most {MAX_CPUS}"),
            Self::BootCpuMissing(affinity) => write!(f, "no CPU {affinity:#x} in /cpus"),
            Self::Twice(affinity) => write!(f, "CPU {affinity:#x} is twice in /cpus"),
            Self::TooManySteps => f.write_str("too many steps"),
        }
    }
}

impl core::error::Error for PlanError {}

/// Words being written, one after the other.
struct Writer<'a> {
    words: &'a mut [u32; DATA_WORDS],
    used: usize,
}

impl Writer<'_> {
    fn push(&mut self, word: u32) -> Result<(), PlanError> {
        let slot = self.words.get_mut(self.used);
        *slot.ok_or(PlanError::TooManySteps)? = word;
        self.used += 1;
        Ok(())
    }

    fn set(&mut self, index: usize, word: u32) {
        if let Some(slot) = self.words.get_mut(index) {
            *slot = word;
        }
    }

    /// Adds a list and its end; returns its place in bytes.
    fn list(&mut self, steps: &[Step]) -> Result<u32, PlanError> {
        let place = u32::try_from(self.used * 4).unwrap_or(0);
        for step in steps {
            for word in step.words() {
                self.push(word)?;
            }
        }
        self.push(0)?;
        Ok(place)
    }
}

impl Plan<'_> {
    /// Writes what the monitor reads, for the processor `boot` that runs, and returns how many
    /// words that is:
    ///
    /// | word | is |
    /// |---|---|
    /// | 0 | how many processors |
    /// | 1 | bit 0: the interrupt controller is in system registers |
    /// | 2 | CNTFRQ |
    /// | 3 to 6 | where `every_cpu`, `now`, `reset`, `power_off` are, in bytes from word 0 |
    /// | 7 to 15 | 0 |
    /// | 16 on | the processors, 32 words each: affinity, state, parked, lock, entry, context, where its steps are, 0, and 24 words of stack |
    /// | then | the lists, each ended by a 0 |
    ///
    /// # Errors
    /// The first reason why not.
    pub fn encode(&self, boot: u32, words: &mut [u32; DATA_WORDS]) -> Result<usize, PlanError> {
        if self.cpus.len() > MAX_CPUS {
            return Err(PlanError::TooManyCpus(self.cpus.len()));
        }
        if !self.cpus.iter().any(|(affinity, _)| *affinity == boot) {
            return Err(PlanError::BootCpuMissing(boot));
        }
        words.fill(0);
        let mut writer = Writer {
            words,
            used: HEAD_WORDS + self.cpus.len() * RECORD_WORDS,
        };
        let flags = if self.gic_system_registers {
            GIC_SYSTEM_REGISTERS
        } else {
            0
        };
        let count = u32::try_from(self.cpus.len()).unwrap_or(0);
        for (index, word) in [count, flags, self.timer_frequency].into_iter().enumerate() {
            writer.set(index, word);
        }
        let lists = [self.every_cpu, self.now, self.reset, self.power_off];
        for (index, list) in lists.into_iter().enumerate() {
            let place = writer.list(list)?;
            writer.set(3 + index, place);
        }
        for (index, (affinity, start)) in self.cpus.iter().enumerate() {
            let before = self.cpus.iter().take(index);
            if before.into_iter().any(|(other, _)| other == affinity) {
                return Err(PlanError::Twice(*affinity));
            }
            let record = HEAD_WORDS + index * RECORD_WORDS;
            writer.set(record, *affinity);
            writer.set(record + 1, if *affinity == boot { ON } else { OFF });
            let place = writer.list(start)?;
            writer.set(record + 6, place);
        }
        Ok(writer.used)
    }
}

#[cfg(test)]
mod tests;
