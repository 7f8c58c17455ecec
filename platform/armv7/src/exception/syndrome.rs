//! Decodes HSR (DDI 0406C B3.13.6) and the fault status codes of the long-descriptor format
//! (B3.13.3, table B3-23).

use core::fmt;

/// Which vector was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vector {
    /// 0x04
    Undefined,
    /// 0x08: HVC in HYP mode's table, SVC in PL1's.
    Call,
    /// 0x0c
    PrefetchAbort,
    /// 0x10
    DataAbort,
    /// 0x14: HYP's table only.
    HypTrap,
    /// 0x18
    Irq,
    /// 0x1c
    Fiq,
    /// 0x00, or a number that is none.
    Reserved,
}

impl Vector {
    /// Makes a vector from its number in the table.
    pub fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Undefined,
            2 => Self::Call,
            3 => Self::PrefetchAbort,
            4 => Self::DataAbort,
            5 => Self::HypTrap,
            6 => Self::Irq,
            7 => Self::Fiq,
            _ => Self::Reserved,
        }
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undefined => "Undefined Instruction",
            Self::Call => "Hypervisor or Supervisor Call",
            Self::PrefetchAbort => "Prefetch Abort",
            Self::DataAbort => "Data Abort",
            Self::HypTrap => "Hyp Trap",
            Self::Irq => "IRQ",
            Self::Fiq => "FIQ",
            Self::Reserved => "reserved vector",
        })
    }
}

/// The exception class, HSR\[31:26\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(pub u32);

impl Class {
    /// Returns what the class means.
    pub fn name(self) -> &'static str {
        match self.0 {
            0x00 => "unknown reason (undefined instruction)",
            0x01 => "trapped WFI or WFE",
            0x03 => "trapped CP15 MCR or MRC",
            0x04 => "trapped CP15 MCRR or MRRC",
            0x05 => "trapped CP14 MCR or MRC",
            0x06 => "trapped CP14 LDC or STC",
            0x07 => "trapped access to CP0-CP13",
            0x08 => "trapped VMRS",
            0x09 => "trapped BXJ",
            0x0c => "trapped CP14 MRRC",
            0x11 => "SVC taken to HYP",
            0x12 => "HVC",
            0x13 => "trapped SMC",
            0x20 => "prefetch abort from below HYP",
            0x21 => "prefetch abort in HYP",
            0x24 => "data abort from below HYP",
            0x25 => "data abort in HYP",
            _ => "class the manual does not define",
        }
    }
}

/// A fault status code, 6 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultStatus(pub u32);

impl fmt::Display for FaultStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.0 & 3;
        match self.0 {
            0x04..=0x07 => write!(f, "translation fault, level {level}"),
            0x08..=0x0b => write!(f, "access flag fault, level {level}"),
            0x0c..=0x0f => write!(f, "permission fault, level {level}"),
            0x10 => f.write_str("synchronous external abort"),
            0x11 => f.write_str("asynchronous external abort"),
            0x14..=0x17 => write!(f, "external abort on table walk, level {level}"),
            0x18 => f.write_str("synchronous parity error"),
            0x19 => f.write_str("asynchronous parity error"),
            0x1c..=0x1f => write!(f, "parity error on table walk, level {level}"),
            0x21 => f.write_str("alignment fault"),
            0x22 => f.write_str("debug event"),
            0x30 => f.write_str("TLB conflict"),
            0x34 => f.write_str("lockdown abort"),
            0x3a => f.write_str("coprocessor abort"),
            other => write!(f, "fault status {other:#x}"),
        }
    }
}

/// What an abort was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortKind {
    /// Fetching an instruction.
    Fetch,
    /// Reading data.
    Read,
    /// Writing data.
    Write,
}

impl fmt::Display for AbortKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fetch => "fetch from",
            Self::Read => "read of",
            Self::Write => "write to",
        })
    }
}

/// A decoded HSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syndrome {
    /// The register.
    pub raw: u32,
}

impl Syndrome {
    /// Returns the class.
    pub fn class(self) -> Class {
        Class(self.raw >> 26)
    }

    /// Tells whether the instruction was 32 bits long (IL).
    pub fn is_32_bit(self) -> bool {
        self.raw & (1 << 25) != 0
    }

    /// Returns the class's own part (ISS).
    pub fn iss(self) -> u32 {
        self.raw & 0x01ff_ffff
    }

    /// Returns what the abort was doing, and why it failed; `None` for other classes.
    pub fn abort(self) -> Option<(AbortKind, FaultStatus)> {
        let status = FaultStatus(self.raw & 0x3f);
        match self.class().0 {
            0x20 | 0x21 => Some((AbortKind::Fetch, status)),
            0x24 | 0x25 if self.raw & (1 << 6) != 0 => Some((AbortKind::Write, status)),
            0x24 | 0x25 => Some((AbortKind::Read, status)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_a_data_abort_on_write() {
        let syndrome = Syndrome {
            raw: (0x25 << 26) | (1 << 25) | (1 << 6) | 0x06,
        };
        let (kind, status) = syndrome.abort().unwrap();
        assert_eq!(kind, AbortKind::Write);
        assert_eq!(std::format!("{status}"), "translation fault, level 2");
        assert!(syndrome.is_32_bit());
        assert_eq!(syndrome.class().name(), "data abort in HYP");
    }

    #[test]
    fn every_status_and_class_has_words() {
        for raw in 0..64 {
            assert!(!std::format!("{}", FaultStatus(raw)).is_empty());
            assert!(!Class(raw).name().is_empty());
        }
        assert_eq!(Syndrome { raw: 0x12 << 26 }.abort(), None);
    }
}
