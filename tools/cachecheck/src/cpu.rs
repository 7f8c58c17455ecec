//! What a CPU's system registers say, kept from its own writes to them, and the levels of cache
//! that it sees.

use crate::{instruction::Cp15, lines::Level};

/// SCTLR.M, HSCTLR.M: the MMU is on.
pub const MMU: u32 = 1 << 0;
/// SCTLR.C, HSCTLR.C: data caches are on.
pub const DATA: u32 = 1 << 2;
/// SCTLR.I, HSCTLR.I: instruction caches are on.
pub const INSTRUCTIONS: u32 = 1 << 12;
/// SCTLR.TRE: TEX remap.
pub const REMAP: u32 = 1 << 28;
/// TTBCR.EAE: long descriptors.
pub const LONG: u32 = 1 << 31;

const MODE_MONITOR: u32 = 0x16;
const MODE_HYP: u32 = 0x1a;

/// Whose translation and caching an access goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Regime {
    /// PL0 and PL1, not secure.
    Pl1 = 0,
    /// The same, secure; monitor mode too.
    Secure = 1,
    /// HYP.
    Hyp = 2,
}

impl Regime {
    /// Returns the regime that a number stands for.
    pub fn from_number(number: u64) -> Self {
        match number {
            2 => Self::Hyp,
            1 => Self::Secure,
            _ => Self::Pl1,
        }
    }
}

/// The registers of one bank of PL1, or HYP's counterparts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bank {
    /// SCTLR, HSCTLR.
    pub sctlr: u32,
    /// TTBR0 and TTBR1; HTTBR.
    pub ttbr: [u64; 2],
    /// TTBCR, HTCR.
    pub ttbcr: u32,
    /// PRRR and NMRR, MAIR0 and MAIR1; HMAIR0 and HMAIR1.
    pub mair: [u32; 2],
    /// VBAR, HVBAR.
    pub vbar: u32,
}

impl Bank {
    /// Data accesses may go through the caches.
    pub fn caches_data(&self) -> bool {
        self.sctlr & (MMU | DATA) == MMU | DATA
    }
}

/// When something was last done, in the model's time; 0: never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// The data caches were last on, by this CPU.
    pub cached: u32,
    /// The MMU of each regime, or a cache, was last turned off.
    pub off: u32,
    /// The I-cache was last on, in any regime.
    pub fetched: u32,
    /// ICIALLU.
    pub instructions: u32,
    /// HSCTLR.M was last on; the TLB was last emptied of HYP's.
    pub hyp_on: u32,
    /// See `hyp_on`.
    pub hyp_empty: u32,
    /// As `hyp_on`, of PL1.
    pub pl1_on: u32,
    /// TLBIALLNSNH, or TLBIALL, which reaches one VMID alone.
    pub pl1_empty: u32,
    /// TLBIALLNSNH.
    pub non_hyp_empty: u32,
}

/// One CPU.
#[derive(Debug, Default)]
pub struct Cpu {
    /// By [`Regime`].
    pub banks: [Bank; 3],
    /// There is a secure state: of SCR, NS.
    pub secure_state: Option<bool>,
    /// CLIDR, MIDR, MPIDR, CTR.
    pub clidr: u32,
    /// MPIDR.
    pub mpidr: u32,
    /// CTR.
    pub ctr: u32,
    /// CSSELR.
    pub csselr: u32,
    /// The first level of cache, as CCSIDR told it.
    pub first: Level,
    /// When things were done.
    pub times: Times,
    /// Maintenance that no DSB has completed.
    pub outstanding: u32,
    /// SCTLR or HSCTLR was written and no ISB has come since.
    pub unsynchronised: bool,
    /// What translations are cached under: changes with every register that takes part.
    pub generation: u32,
    /// The register that a read of CCSIDR goes to.
    pub reading: Option<u8>,
}

impl Cpu {
    /// Returns the regime of the code that runs, from CPSR.
    pub fn regime(&self, cpsr: u32) -> Regime {
        match cpsr & 0x1f {
            MODE_HYP => Regime::Hyp,
            MODE_MONITOR => Regime::Secure,
            _ => self.bank_by_scr(),
        }
    }

    /// Returns the bank that CP15 accesses go to: in monitor mode too SCR.NS decides.
    fn bank_by_scr(&self) -> Regime {
        match self.secure_state {
            Some(false) => Regime::Secure,
            _ => Regime::Pl1,
        }
    }

    /// Returns a regime's registers.
    pub fn bank(&self, regime: Regime) -> &Bank {
        &self.banks[regime as usize]
    }

    /// Returns which register an MCR writes.
    pub fn register(&mut self, access: &Cp15) -> Option<Register<'_>> {
        let pl1 = self.bank_by_scr() as usize;
        let hyp = Regime::Hyp as usize;
        let at = (access.crn, access.op1, access.crm, access.op2);
        let bank = &mut self.banks;
        Some(match at {
            (1, 0, 0, 0) => Register::Control(if pl1 == 0 {
                Regime::Pl1
            } else {
                Regime::Secure
            }),
            (1, 4, 0, 0) => Register::Control(Regime::Hyp),
            (1, 0, 1, 0) => Register::SecureConfiguration,
            (2, 0, 0, n @ (0 | 1)) => Register::Low(&mut bank[pl1].ttbr[usize::from(n)]),
            (2, 0, 0, 2) => Register::Word(&mut bank[pl1].ttbcr),
            (2, 4, 0, 2) => Register::Word(&mut bank[hyp].ttbcr),
            (10, 0, 2, n @ (0 | 1)) => Register::Word(&mut bank[pl1].mair[usize::from(n)]),
            (10, 4, 2, n @ (0 | 1)) => Register::Word(&mut bank[hyp].mair[usize::from(n)]),
            (12, 0, 0, 0) => Register::Vectors(&mut bank[pl1].vbar),
            (12, 4, 0, 0) => Register::Vectors(&mut bank[hyp].vbar),
            (0, 2, 0, 0) => Register::Word(&mut self.csselr),
            (13, 0, 0, 1) => Register::Context,
            _ => return None,
        })
    }

    /// Returns the 64-bit register that an MCRR writes.
    pub fn long_register(&mut self, op1: u8, crm: u8) -> Option<&mut u64> {
        let pl1 = self.bank_by_scr() as usize;
        match (op1, crm) {
            (0, 2) => Some(&mut self.banks[pl1].ttbr[0]),
            (1, 2) => Some(&mut self.banks[pl1].ttbr[1]),
            (4, 2) => Some(&mut self.banks[Regime::Hyp as usize].ttbr[0]),
            _ => None,
        }
    }

    /// Returns how many levels there are to the point of coherency: CLIDR.LoC (DDI 0406C B4.1.20).
    pub fn levels(&self) -> u32 {
        self.clidr >> 24 & 7
    }

    /// Returns which cluster's second level it shares.
    pub fn cluster(&self) -> u8 {
        (self.mpidr >> 8) as u8
    }

    /// Forgets what a reset or a power-down forgets; `boot` values come from outside.
    pub fn reset(&mut self) {
        for bank in &mut self.banks {
            bank.sctlr &= !(MMU | DATA | INSTRUCTIONS);
        }
        self.generation += 1;
    }
}

/// What an MCR writes to.
pub enum Register<'c> {
    /// SCTLR or HSCTLR.
    Control(Regime),
    /// SCR.
    SecureConfiguration,
    /// A 32-bit write to a 64-bit register's low half.
    Low(&'c mut u64),
    /// Any other.
    Word(&'c mut u32),
    /// VBAR or HVBAR.
    Vectors(&'c mut u32),
    /// CONTEXTIDR.
    Context,
}

/// Returns sets and ways of a CCSIDR value (DDI 0406C B4.1.19), and its line's bytes.
pub fn geometry(ccsidr: u32) -> (u32, u32, u32) {
    (
        (ccsidr >> 13 & 0x7fff) + 1,
        (ccsidr >> 3 & 0x3ff) + 1,
        16 << (ccsidr & 7),
    )
}

/// Returns level, set and way of a set/way operation's operand (DDI 0406C B4.2.1).
pub fn set_and_way(operand: u32, sets: u32, ways: u32, line: u32) -> (u32, u32) {
    // QEMU's Cortex-A15 says that its level 2 has 2304 sets.
    let set = (operand / line) & (sets.next_power_of_two() - 1);
    let bits = (ways - 1).checked_ilog2().map_or(0, |log| log + 1);
    let way = if bits == 0 { 0 } else { operand >> (32 - bits) };
    (set, way)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometry_is_a_cortex_a15s() {
        assert_eq!(geometry(0x701f_e00a), (256, 2, 64));
        assert_eq!(geometry(0x71ff_e07a), (4096, 16, 64));
        assert_eq!(set_and_way(0x8000_0042, 256, 2, 64), (1, 1));
        assert_eq!(set_and_way(0xf003_ffc2, 4096, 16, 64), (4095, 15));
        assert_eq!(set_and_way(0x40, 256, 1, 64), (1, 0));
    }

    #[test]
    fn banks_follow_the_mode_and_scr() {
        let mut cpu = Cpu::default();
        assert_eq!(cpu.regime(0x1d3), Regime::Pl1);
        assert_eq!(cpu.regime(0x1da), Regime::Hyp);
        cpu.secure_state = Some(false);
        assert_eq!(cpu.regime(0x1d3), Regime::Secure);
        assert_eq!(cpu.regime(0x1d6), Regime::Secure);
        let sctlr = Cp15 {
            op1: 0,
            rt: 0,
            crn: 1,
            crm: 0,
            op2: 0,
        };
        assert!(matches!(
            cpu.register(&sctlr),
            Some(Register::Control(Regime::Secure))
        ));
        // Monitor mode with SCR.NS set: the other bank's registers, secure translation.
        cpu.secure_state = Some(true);
        assert_eq!(cpu.regime(0x1d6), Regime::Secure);
        assert!(matches!(
            cpu.register(&sctlr),
            Some(Register::Control(Regime::Pl1))
        ));
    }
}
