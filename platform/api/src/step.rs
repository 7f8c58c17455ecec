//! What a resident monitor does to devices on somebody else's word.

/// One access to a 32-bit register, or one wait. Power operations (starting a CPU, reset, off)
/// and the hand-over of a device to non-secure state are lists of them: the drivers know which,
/// the monitor only carries them out, in order, in secure state with its MMU off.
///
/// Addresses are physical and below 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Writes `value`.
    Write {
        /// The register.
        at: u32,
        /// What is written.
        value: u32,
    },
    /// Reads, sets `bits`, writes.
    Set {
        /// The register.
        at: u32,
        /// What becomes 1.
        bits: u32,
    },
    /// Reads, clears `bits`, writes.
    Clear {
        /// The register.
        at: u32,
        /// What becomes 0.
        bits: u32,
    },
    /// Writes the address at which a CPU enters the monitor when it comes out of reset, or out
    /// of the pen that a first stage holds it in.
    WriteEntry {
        /// The register.
        at: u32,
    },
    /// Waits at least so long, by the generic counter.
    Delay {
        /// How long.
        microseconds: u32,
    },
}

impl Step {
    /// How many words a step is for the monitor.
    pub const WORDS: usize = 3;

    /// Returns the words that the monitor reads: operation, address or microseconds, value.
    pub const fn words(self) -> [u32; Self::WORDS] {
        match self {
            Self::Write { at, value } => [1, at, value],
            Self::Set { at, bits } => [2, at, bits],
            Self::Clear { at, bits } => [3, at, bits],
            Self::WriteEntry { at } => [4, at, 0],
            Self::Delay { microseconds } => [5, microseconds, 0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_reads_as_the_end_of_a_list() {
        let (at, value, bits) = (0, 0, 0);
        for step in [
            Step::Write { at, value },
            Step::Set { at, bits },
            Step::Clear { at, bits },
            Step::WriteEntry { at },
            Step::Delay { microseconds: 0 },
        ] {
            assert_ne!(step.words()[0], 0);
        }
    }
}
