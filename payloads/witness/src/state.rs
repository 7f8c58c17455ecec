//! The state of the processor at the payload's first instruction.

/// Declares [`EntryState`] and the table of its registers' names.
macro_rules! entry_state {
    (
        wide { $($(#[$wide_doc:meta])* $wide:ident = $wide_name:literal $wide_set:ident,)* }
        words { $($(#[$word_doc:meta])* $word:ident = $word_name:literal $word_set:ident,)* }
    ) => {
        /// What the entry code saves before it changes anything. Registers the mode cannot
        /// read, or the processor does not have, are 0.
        ///
        /// Its size is its alignment: the entry code finds the end by the address alone.
        #[repr(C, align(512))]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct EntryState {
            $($(#[$wide_doc])* pub $wide: u64,)*
            /// r0 to r14.
            pub general: [u32; 15],
            /// The address of the image's first byte.
            pub base: u32,
            /// The program status register.
            pub cpsr: u32,
            /// Nonzero if the bytes this structure lies in were not zero, as they are in the file.
            pub scratch_dirty: u32,
            /// How many of the reads below were Undefined.
            pub undefined: u32,
            /// 1 if SCR could be read: PL1 in secure state.
            pub secure: u32,
            /// The CRC-32 of the image's file, as it was before anything was written to it.
            pub image_crc: u32,
            $($(#[$word_doc])* pub $word: u32,)*
        }

        impl EntryState {
            /// Iterates over the saved system registers by their names in the Arm manual,
            /// those of HYP only if it was entered in HYP.
            pub fn registers(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
                let hyp = self.mode() == Mode::Hyp;
                let all = [
                    $((RegisterSet::$word_set, $word_name, u64::from(self.$word)),)*
                    $((RegisterSet::$wide_set, $wide_name, self.$wide),)*
                ];
                all.into_iter()
                    .filter(move |(set, _, _)| hyp || *set == RegisterSet::Any)
                    .map(|(_, name, value)| (name, value))
            }
        }
    };
}

/// In which modes a register can be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RegisterSet {
    Any,
    Hyp,
}

entry_state! {
    wide {
        /// Virtual offset of the generic timer.
        cntvoff = "CNTVOFF" Hyp,
        /// Stage 2 translation table base.
        vttbr = "VTTBR" Hyp,
        /// HYP's translation table base.
        httbr = "HTTBR" Hyp,
        /// The physical count at entry.
        cntpct = "CNTPCT" Any,
    }
    words {
        /// Main ID.
        midr = "MIDR" Any,
        /// Multiprocessor affinity.
        mpidr = "MPIDR" Any,
        /// Cache type.
        ctr = "CTR" Any,
        /// Processor features 1: which extensions there are.
        id_pfr1 = "ID_PFR1" Any,
        /// Debug features 0: which performance monitors there are.
        id_dfr0 = "ID_DFR0" Any,
        /// PL1's system control (non-secure if entered in HYP).
        sctlr = "SCTLR" Any,
        /// PL1's auxiliary control.
        actlr = "ACTLR" Any,
        /// Coprocessor access.
        cpacr = "CPACR" Any,
        /// PL1's translation table base control.
        ttbcr = "TTBCR" Any,
        /// PL1's vector base.
        vbar = "VBAR" Any,
        /// Performance monitor control.
        pmcr = "PMCR" Any,
        /// The generic timer's frequency in Hz, as firmware wrote it.
        cntfrq = "CNTFRQ" Any,
        /// PL0's access to the generic timer.
        cntkctl = "CNTKCTL" Any,
        /// PL1's physical timer.
        cntp_ctl = "CNTP_CTL" Any,
        /// The virtual timer.
        cntv_ctl = "CNTV_CTL" Any,
        /// HYP's system control.
        hsctlr = "HSCTLR" Hyp,
        /// HYP's auxiliary control.
        hactlr = "HACTLR" Hyp,
        /// HYP configuration: traps and stage 2.
        hcr = "HCR" Hyp,
        /// HYP debug configuration.
        hdcr = "HDCR" Hyp,
        /// HYP coprocessor traps.
        hcptr = "HCPTR" Hyp,
        /// HYP traps of whole CP15 rows.
        hstr = "HSTR" Hyp,
        /// HYP's vector base.
        hvbar = "HVBAR" Hyp,
        /// HYP's translation control.
        htcr = "HTCR" Hyp,
        /// Stage 2 translation control.
        vtcr = "VTCR" Hyp,
        /// The main ID PL1 sees.
        vpidr = "VPIDR" Hyp,
        /// The affinity PL1 sees.
        vmpidr = "VMPIDR" Hyp,
        /// PL1's access to the physical timer and counter.
        cnthctl = "CNTHCTL" Hyp,
        /// HYP's timer.
        cnthp_ctl = "CNTHP_CTL" Hyp,
    }
}

/// The mode a payload was entered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// HYP, 0x1a.
    Hyp,
    /// Supervisor, 0x13.
    Svc,
    /// Another; the mode bits.
    Other(u32),
}

impl EntryState {
    /// Returns the mode in CPSR.M (ARM DDI 0406C, B1.3.1).
    pub fn mode(&self) -> Mode {
        match self.cpsr & 0x1f {
            0x1a => Mode::Hyp,
            0x13 => Mode::Svc,
            other => Mode::Other(other),
        }
    }

    /// Returns the affinity levels of MPIDR, as `/cpus` and PSCI write them.
    pub fn affinity(&self) -> u32 {
        self.mpidr & 0x00ff_ffff
    }
}

const _: () = assert!(size_of::<EntryState>() == align_of::<EntryState>());
