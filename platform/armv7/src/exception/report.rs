//! The report of an exception: needs no heap and no lock.

use core::fmt::{self, Write};

use platform_api::{CpuMode, PhysRange};

use super::{AbortKind, FaultStatus, Frame, Syndrome, Vector};

/// What is known when an exception is reported.
pub struct Facts<'a> {
    /// Which vector.
    pub vector: Vector,
    /// The mode the loader runs in.
    pub mode: CpuMode,
    /// The registers.
    pub frame: &'a Frame,
    /// HSR in HYP; in PL1 made from DFSR or IFSR by the handler.
    pub syndrome: Syndrome,
    /// HDFAR or DFAR.
    pub data_address: u32,
    /// HIFAR or IFAR.
    pub instruction_address: u32,
    /// HPFAR, in HYP.
    pub ipa: u32,
    /// The image, for offsets.
    pub image: PhysRange,
    /// The code in it.
    pub text: PhysRange,
    /// The stack.
    pub stack: PhysRange,
    /// Reads a word of the stack for the backtrace.
    pub read_stack: fn(u32) -> u32,
}

/// How many frames a backtrace shows.
const BACKTRACE_DEPTH: usize = 16;

/// Bit 0 of a return address: Thumb state. Not a part of the instruction's address.
const THUMB: u32 = 1;

/// An address, with its offset if it lies in the image's code.
struct Code<'a>(u32, &'a Facts<'a>);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)?;
        if self.1.text.contains(self.0.into()) {
            let base = self.1.image.start().as_u32().unwrap_or(0);
            write!(f, " (baton+{:#x})", (self.0 & !THUMB).wrapping_sub(base))?;
        }
        Ok(())
    }
}

/// Writes the whole report.
///
/// # Errors
/// The writer's.
pub fn write_report(out: &mut dyn Write, facts: &Facts<'_>) -> fmt::Result {
    write!(out, "\n{} in {}: ", facts.vector, facts.mode)?;
    write_cause(out, facts)?;
    let frame = facts.frame;
    writeln!(
        out,
        "pc : {}   lr : {}",
        Code(frame.pc, facts),
        Code(frame.lr, facts)
    )?;
    writeln!(out, "sp : {:08x}   psr: {:08x}", frame.sp, frame.psr)?;
    for (row, registers) in frame.r.chunks(4).enumerate() {
        for (column, value) in registers.iter().enumerate() {
            write!(out, "r{:<2}: {:08x}  ", row * 4 + column, value)?;
        }
        out.write_str("\n")?;
    }
    write_syndrome(out, facts)?;
    write_backtrace(out, facts)
}

fn write_cause(out: &mut dyn Write, facts: &Facts<'_>) -> fmt::Result {
    if let Some((kind, status)) = facts.syndrome.abort() {
        let address = match kind {
            AbortKind::Fetch => facts.instruction_address,
            AbortKind::Read | AbortKind::Write => facts.data_address,
        };
        write!(out, "{kind} {address:#010x}: {status}")?;
        if is_guard(facts, address, status) {
            out.write_str(": stack overflow")?;
        }
        out.write_str("\n")
    } else if facts.mode == CpuMode::Hypervisor {
        writeln!(out, "{}", facts.syndrome.class().name())
    } else {
        // PL1 has no syndrome: the vector says it all.
        out.write_str(match facts.vector {
            Vector::Undefined => "undefined instruction\n",
            Vector::Call => "a call nobody serves\n",
            _ => "no cause is recorded\n",
        })
    }
}

/// Tells whether a data abort hit the page below the stack.
fn is_guard(facts: &Facts<'_>, address: u32, status: FaultStatus) -> bool {
    const GUARD_SIZE: u64 = 4096;
    let bottom = facts.stack.start();
    let guard = bottom
        .checked_sub(GUARD_SIZE)
        .and_then(|start| PhysRange::new(start, bottom));
    matches!(status.0, 0x04..=0x07) && guard.is_some_and(|g| g.contains(address.into()))
}

fn write_syndrome(out: &mut dyn Write, facts: &Facts<'_>) -> fmt::Result {
    let syndrome = facts.syndrome;
    if facts.mode == CpuMode::Hypervisor {
        writeln!(
            out,
            "HSR: {:08x} (EC {:#04x} {}, IL {}, ISS {:#x})",
            syndrome.raw,
            syndrome.class().0,
            syndrome.class().name(),
            u8::from(syndrome.is_32_bit()),
            syndrome.iss()
        )?;
        writeln!(
            out,
            "HDFAR: {:08x}  HIFAR: {:08x}  HPFAR: {:08x}",
            facts.data_address, facts.instruction_address, facts.ipa
        )
    } else {
        writeln!(
            out,
            "DFAR: {:08x}  IFAR: {:08x}",
            facts.data_address, facts.instruction_address
        )
    }
}

/// Follows the frame pointers (r7: saved r7, saved lr) while they go up inside the stack.
fn write_backtrace(out: &mut dyn Write, facts: &Facts<'_>) -> fmt::Result {
    writeln!(out, "backtrace:\n  {}", Code(facts.frame.pc, facts))?;
    let mut fp = facts.frame.frame_pointer();
    let mut below = facts.frame.sp.max(stack_bottom(facts));
    for _ in 0..BACKTRACE_DEPTH {
        let Some(second) = fp.checked_add(4) else {
            break;
        };
        if !fp.is_multiple_of(4) || fp < below || !facts.stack.contains(second.into()) {
            break;
        }
        let return_address = (facts.read_stack)(second);
        if !facts.text.contains(return_address.into()) {
            break;
        }
        writeln!(out, "  {}", Code(return_address & !THUMB, facts))?;
        below = second;
        fp = (facts.read_stack)(fp);
    }
    Ok(())
}

fn stack_bottom(facts: &Facts<'_>) -> u32 {
    facts.stack.start().as_u32().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform_api::PhysAddr;
    use std::string::String;

    fn range(start: u32, end: u32) -> PhysRange {
        PhysRange::new(PhysAddr::from(start), PhysAddr::from(end)).unwrap()
    }

    /// A stack at 0x9000..0xa000 with two frames, at 0x9800 and 0x9900.
    fn read_stack(address: u32) -> u32 {
        match address {
            0x9800 => 0x9900,
            0x9804 => 0x1011,
            0x9904 => 0x1020,
            _ => 0,
        }
    }

    fn report(vector: u32, raw: u32, address: u32) -> String {
        let mut frame = Frame {
            pc: 0x1004,
            lr: 0x1009,
            sp: 0x9700,
            psr: 0x1da,
            ..Frame::default()
        };
        frame.r[7] = 0x9800;
        let mut text = String::new();
        let facts = Facts {
            vector: Vector::from_number(vector),
            mode: CpuMode::Hypervisor,
            frame: &frame,
            syndrome: Syndrome { raw },
            data_address: address,
            instruction_address: 0,
            ipa: 0,
            image: range(0x1000, 0xa000),
            text: range(0x1000, 0x2000),
            stack: range(0x9000, 0xa000),
            read_stack,
        };
        write_report(&mut text, &facts).unwrap();
        text
    }

    #[test]
    fn names_address_cause_and_frames() {
        let text = report(4, 0x9400_0006, 0);
        assert!(text.starts_with(
            "\nData Abort in HYP: read of 0x00000000: translation fault, level 2\n\
             pc : 00001004 (baton+0x4)   lr : 00001009 (baton+0x8)\n"
        ));
        assert!(text.ends_with(
            "backtrace:\n  00001004 (baton+0x4)\n  00001010 (baton+0x10)\n  \
             00001020 (baton+0x20)\n"
        ));
        assert!(text.contains("HSR: 94000006 (EC 0x25 data abort in HYP, IL 0, ISS 0x6)"));
    }

    #[test]
    fn knows_the_guard_page() {
        assert!(report(4, 0x9600_0047, 0x8ffc).contains("stack overflow"));
        assert!(!report(4, 0x9600_0047, 0x7ffc).contains("stack overflow"));
    }

    #[test]
    fn an_undefined_instruction_has_no_address() {
        assert!(report(1, 0x0200_0000, 0).contains("Undefined Instruction in HYP: unknown reason"));
    }
}
