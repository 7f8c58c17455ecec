//! The registers that `hyp` shows, and what of them a payload is not owed.
//!
//! Names of fields are those of DDI 0406C B4.1 and B4.2; what a payload is owed is in
//! docs/boot-flow.md.

use core::fmt;

/// In which modes a register can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// HYP's own.
    Hyp,
    /// PL1's, read in HYP too.
    Pl1,
    /// PL1's, if the processor has the generic timer.
    Timer,
    /// PL1's, if the processor has long descriptors.
    Long,
}

/// What is known of a register.
#[derive(Debug)]
pub struct Spec {
    /// The manual's name.
    pub name: &'static str,
    /// Where it can be read.
    pub set: Set,
    /// It has 64 bits.
    pub wide: bool,
    /// The bits that must be 0 for a payload, and should have been at entry.
    pub undone: u64,
    /// Fields of one bit: its number and name.
    pub bits: &'static [(u8, &'static str)],
}

const fn spec(
    name: &'static str,
    set: Set,
    wide: bool,
    undone: u64,
    bits: &'static [(u8, &'static str)],
) -> Spec {
    Spec {
        name,
        set,
        wide,
        undone,
        bits,
    }
}

const CONTROL: &[(u8, &str)] = &[
    (0, "MMU"),
    (2, "D-cache"),
    (12, "I-cache"),
    (1, "A"),
    (19, "WXN"),
    (25, "EE"),
    (30, "TE"),
];
const TIMER: &[(u8, &str)] = &[(0, "ENABLE"), (1, "IMASK"), (2, "ISTATUS")];
const TIMER_ENABLED: u64 = 1;
/// HCR (B4.1.65). 31:28 are UNK/SBZP: QEMU 10 reads bit 31 as one whatever was written.
const HCR: &[(u8, &str)] = &[
    (0, "VM"),
    (1, "SWIO"),
    (2, "PTW"),
    (3, "FMO"),
    (4, "IMO"),
    (5, "AMO"),
    (6, "VF"),
    (7, "VI"),
    (8, "VA"),
    (9, "FB"),
    (12, "DC"),
    (13, "TWI"),
    (14, "TWE"),
    (15, "TID0"),
    (16, "TID1"),
    (17, "TID2"),
    (18, "TID3"),
    (19, "TSC"),
    (20, "TIDCP"),
    (21, "TAC"),
    (22, "TSW"),
    (23, "TPC"),
    (24, "TPU"),
    (25, "TTLB"),
    (26, "TVM"),
    (27, "TGE"),
];

/// Every register, in the order of `hyp`. The number of a row is that of its reader in
/// `inspect/machine.rs`.
pub static REGISTERS: [Spec; 26] = [
    // M, A, C, WXN, EE, TE: the handoff writes the value of a reset.
    spec("HSCTLR", Set::Hyp, false, 0x4208_0007, CONTROL),
    spec("HCR", Set::Hyp, false, 0x0fff_ffff, HCR),
    spec(
        "HCPTR",
        Set::Hyp,
        false,
        1 << 31 | 1 << 20 | 1 << 15 | 1 << 11 | 1 << 10,
        &[
            (31, "TCPAC"),
            (20, "TTA"),
            (15, "TASE"),
            (11, "TCP11"),
            (10, "TCP10"),
        ],
    ),
    spec(
        "HSTR",
        Set::Hyp,
        false,
        0xffff_ffff,
        &[(16, "TTEE"), (17, "TJDBX")],
    ),
    spec(
        "HDCR",
        Set::Hyp,
        false,
        0xfe0,
        &[
            (11, "TDRA"),
            (10, "TDOSA"),
            (9, "TDA"),
            (8, "TDE"),
            (7, "HPME"),
            (6, "TPM"),
            (5, "TPMCR"),
        ],
    ),
    spec("HVBAR", Set::Hyp, false, 0, &[]),
    spec("HTCR", Set::Hyp, false, 0, &[]),
    spec("HTTBR", Set::Hyp, true, 0, &[]),
    spec("HMAIR0", Set::Hyp, false, 0, &[]),
    spec("HTPIDR", Set::Hyp, false, 0, &[]),
    spec("VTCR", Set::Hyp, false, 0, &[]),
    spec("VTTBR", Set::Hyp, true, 0, &[]),
    spec("VPIDR", Set::Hyp, false, 0, &[]),
    spec("VMPIDR", Set::Hyp, false, 0, &[]),
    spec(
        "CNTHCTL",
        Set::Hyp,
        false,
        0,
        &[(0, "PL1PCTEN"), (1, "PL1PCEN"), (2, "EVNTEN")],
    ),
    spec("CNTVOFF", Set::Hyp, true, u64::MAX, &[]),
    spec("CNTHP_CTL", Set::Hyp, false, TIMER_ENABLED, TIMER),
    spec("CNTP_CTL", Set::Timer, false, TIMER_ENABLED, TIMER),
    spec("CNTV_CTL", Set::Timer, false, TIMER_ENABLED, TIMER),
    spec("CNTFRQ", Set::Timer, false, 0, &[]),
    spec("SCTLR", Set::Pl1, false, 0x4200_0007, CONTROL),
    spec("TTBCR", Set::Pl1, false, 0, &[(31, "EAE")]),
    spec("TTBR0", Set::Long, true, 0, &[]),
    spec("VBAR", Set::Pl1, false, 0, &[]),
    spec("MPIDR", Set::Pl1, false, 0, &[]),
    spec(
        "CPSR",
        Set::Pl1,
        false,
        0,
        &[(5, "T"), (6, "F"), (7, "I"), (8, "A"), (9, "E")],
    ),
];

/// The rows that the entry code changes before Rust can read them.
pub const HSCTLR: usize = 0;
/// See [`HSCTLR`].
pub const HVBAR: usize = 5;
/// See [`HSCTLR`].
pub const SCTLR: usize = 20;
/// See [`HSCTLR`].
pub const VBAR: usize = 23;
/// See [`HSCTLR`].
pub const CPSR: usize = 25;

/// The contents of every register.
pub type Values = [u64; REGISTERS.len()];

impl Spec {
    /// Tells whether something has to be undone before a payload may have it.
    pub fn is_undone(&self, value: u64) -> bool {
        value & self.undone != 0
    }
}

/// The names of the fields that are set.
pub struct Fields(pub &'static Spec, pub u64);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(spec, value) = self;
        if spec.name == "CPSR" {
            f.write_str(mode(*value))?;
            f.write_str(" ")?;
        }
        let set = spec.bits.iter().filter(|(bit, _)| value >> bit & 1 != 0);
        for (index, (_, name)) in set.enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// Names the mode in CPSR.M (B1.3.1).
fn mode(cpsr: u64) -> &'static str {
    match cpsr & 0x1f {
        0x1a => "HYP",
        0x13 => "SVC",
        0x1f => "SYS",
        0x16 => "MON",
        0x17 => "ABT",
        0x1b => "UND",
        0x12 => "IRQ",
        0x11 => "FIQ",
        _ => "no mode",
    }
}

/// What has to be undone, in one line: `HSCTLR=30c5187d HCR=00000001`. Empty if nothing.
pub struct Undone<'a> {
    /// The registers as they were found.
    pub values: &'a Values,
    /// HYP's are among them.
    pub hyp: bool,
}

impl Undone<'_> {
    fn rows(&self) -> impl Iterator<Item = (&'static Spec, u64)> {
        let rows = REGISTERS.iter().zip(self.values.iter().copied());
        rows.filter(|(spec, value)| (self.hyp || spec.set != Set::Hyp) && spec.is_undone(*value))
    }

    /// Tells whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.rows().next().is_none()
    }
}

impl fmt::Display for Undone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (spec, value)) in self.rows().enumerate() {
            let space = if index > 0 { " " } else { "" };
            let digits = digits(spec);
            write!(f, "{space}{}={value:0digits$x}", spec.name)?;
        }
        Ok(())
    }
}

/// Returns how many hexadecimal digits a register has.
pub fn digits(spec: &Spec) -> usize {
    if spec.wide { 16 } else { 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> usize {
        REGISTERS.iter().position(|spec| spec.name == name).unwrap()
    }

    #[test]
    fn the_numbers_are_those_of_the_rows() {
        for (number, name) in [
            (HSCTLR, "HSCTLR"),
            (HVBAR, "HVBAR"),
            (SCTLR, "SCTLR"),
            (VBAR, "VBAR"),
            (CPSR, "CPSR"),
        ] {
            assert_eq!(row(name), number);
        }
    }

    #[test]
    fn fields_are_named() {
        let hcr = &REGISTERS[row("HCR")];
        assert_eq!(Fields(hcr, 0x0800_0039).to_string(), "VM FMO IMO AMO TGE");
        assert_eq!(Fields(hcr, 0).to_string(), "");
        assert_eq!(Fields(&REGISTERS[CPSR], 0x1da).to_string(), "HYP F I A");
    }

    #[test]
    fn what_is_owed_is_nothing_to_undo() {
        let mut values = Values::default();
        values[HSCTLR] = 0x30c5_0878;
        values[SCTLR] = 0x00c5_0878;
        // The event counters, absent coprocessors, a timer that is off but has fired; QEMU's bit.
        values[row("HDCR")] = 6;
        values[row("HCPTR")] = 0x33ff;
        values[row("CNTP_CTL")] = 4;
        values[row("HCR")] = 1 << 31;
        fn undone(values: &Values, hyp: bool) -> String {
            Undone { values, hyp }.to_string()
        }
        assert_eq!(undone(&values, true), "");
        values[HSCTLR] |= 5;
        values[row("CNTVOFF")] = 16;
        values[row("CNTV_CTL")] = 1;
        assert_eq!(
            undone(&values, true),
            "HSCTLR=30c5087d CNTVOFF=0000000000000010 CNTV_CTL=00000001"
        );
        assert_eq!(undone(&values, false), "CNTV_CTL=00000001");
    }
}
