//! Watches an image being entered, from outside the machine: its first instructions one by one,
//! and what of memory it changes afterwards.

use std::{
    ops::Range,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    gdb::Gdb,
    session::{Session, scaled},
};

/// How long the machine may take to the address it is waited for at.
const PATIENCE: Duration = Duration::from_secs(240);
/// Instructions within which the vectors must be the image's own.
const SOON: usize = 64;
/// What memory is compared in.
const PAGE: usize = 4096;

/// `mcr p15, 4, Rt, c12, c0, 0`: a write of HVBAR (DDI 0406C, B4.1.59), but for Rt.
const WRITE_HVBAR: u32 = 0xee8c_0f10;
/// Where Rt is in it.
const RT: u32 = 0xf000;

/// A machine that can be watched: from [`crate::Machine::start_watched`].
#[derive(Debug)]
pub struct Watcher {
    pub(crate) socket: PathBuf,
}

/// An image at its first instruction, and a few on.
#[derive(Debug)]
pub struct Arrival {
    /// r0 to r15 at the first instruction.
    pub registers: [u32; 16],
    /// The program status there.
    pub cpsr: u32,
    /// The instructions up to the one that writes HVBAR, that one included.
    pub instructions: Vec<u32>,
    /// What it writes.
    pub hvbar: u32,
    /// Memory before the first instruction.
    memory: Vec<u8>,
    start: u32,
}

impl Watcher {
    /// Runs the machine to the instruction at `address`, and on to the write of HVBAR; then
    /// leaves it alone. `memory` is what of RAM will be compared. One processor, ARM code.
    ///
    /// `line`, at most what the receiver holds, makes the machine go there. It is sent while the
    /// machine is stopped: a fast one would be there before anybody looks.
    ///
    /// # Errors
    /// It does not come there, or HVBAR is not written soon.
    pub fn wait(
        &mut self,
        session: &mut Session,
        line: &str,
        address: u32,
        memory: Range<u32>,
    ) -> Result<Arrival> {
        self.watch(session, line, address, memory)
            .map_err(|error| session.fail_with(error))
    }

    fn watch(
        &self,
        session: &mut Session,
        line: &str,
        address: u32,
        memory: Range<u32>,
    ) -> Result<Arrival> {
        let mut gdb = Gdb::connect(&self.socket)?;
        gdb.set_break(address)?;
        session.send(line);
        gdb.resume(Instant::now() + scaled(PATIENCE))?;
        gdb.clear_break(address)?;
        let mut arrival = Arrival {
            registers: [0; 16],
            cpsr: 0,
            instructions: Vec::new(),
            hvbar: 0,
            memory: read(session, memory.clone())?,
            start: memory.start,
        };
        let found = gdb.registers()?;
        for (index, register) in arrival.registers.iter_mut().enumerate() {
            *register = found.general(index).unwrap_or_default();
        }
        arrival.cpsr = found.cpsr().unwrap_or_default();
        while arrival.instructions.len() < SOON {
            let registers = gdb.registers()?;
            let instruction = gdb.read_word(registers.general(15).unwrap_or_default())?;
            arrival.instructions.push(instruction);
            if instruction & !RT == WRITE_HVBAR {
                let rt = usize::try_from((instruction & RT) >> 12).unwrap_or_default();
                arrival.hvbar = registers.general(rt).unwrap_or_default();
                gdb.detach()?;
                return Ok(arrival);
            }
            gdb.step()?;
        }
        Err(Error::check(format!(
            "HVBAR is not written within {SOON} instructions"
        )))
    }
}

impl Arrival {
    /// Returns the pages that have changed since, as ranges of addresses. Stops the machine for
    /// that long.
    ///
    /// # Errors
    /// QEMU is gone.
    pub fn changed(&self, session: &mut Session) -> Result<Vec<Range<u32>>> {
        let size = u32::try_from(self.memory.len()).unwrap_or_default();
        session.monitor()?.execute("stop", "{}")?;
        let now = read(session, self.start..self.start.saturating_add(size))?;
        session.monitor()?.execute("cont", "{}")?;
        Ok(differing_pages(self.start, &self.memory, &now))
    }
}

fn read(session: &mut Session, memory: Range<u32>) -> Result<Vec<u8>> {
    let size = memory.end.saturating_sub(memory.start);
    session
        .monitor()?
        .read_memory(memory.start.into(), size.into())
}

fn differing_pages(start: u32, one: &[u8], other: &[u8]) -> Vec<Range<u32>> {
    let mut changed: Vec<Range<u32>> = Vec::new();
    let mut at = start;
    for (one, other) in one.chunks(PAGE).zip(other.chunks(PAGE)) {
        let end = at.saturating_add(u32::try_from(one.len()).unwrap_or_default());
        if one != other {
            match changed.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => changed.push(at..end),
            }
        }
        at = end;
    }
    changed
}

/// Tells whether an ARM instruction reads or writes memory by its encoding (DDI 0406C, A5.1):
/// one that may fault where another only computes or moves registers. Says so of barriers too,
/// which share the space of preloads.
pub fn touches_memory(instruction: u32) -> bool {
    match (instruction >> 25) & 7 {
        // Multiplications, synchronisation and extra loads and stores share bits 7 and 4; the
        // first of these have nothing in bits 6 and 5.
        0b000 => instruction & 0x90 == 0x90 && instruction & 0x0100_0060 != 0,
        // With bit 4 these are media instructions.
        0b011 => instruction & 0x10 == 0,
        0b010 | 0b100 | 0b110 => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_pages_are_one_range() {
        let one = vec![0; 5 * PAGE];
        let mut other = one.clone();
        for at in [PAGE, 2 * PAGE + 7, 5 * PAGE - 1] {
            other[at] = 1;
        }
        let changed = differing_pages(0x4000_0000, &one, &other);
        assert_eq!(
            changed,
            [0x4000_1000..0x4000_3000, 0x4000_4000..0x4000_5000]
        );
        assert_eq!(differing_pages(0, &one, &one), []);
    }

    #[test]
    fn loads_and_stores_are_told_from_the_rest() {
        // ldr, str, ldm, push, ldrh, strd, ldrex, swp, ldc.
        for instruction in [
            0xe591_0000,
            0xe581_0000,
            0xe8b1_0006,
            0xe92d_07f0,
            0xe1d1_00b0,
            0xe1c1_00f0,
            0xe191_0f9f,
            0xe101_0092,
            0xed91_0f00,
        ] {
            assert!(touches_memory(instruction), "{instruction:08x}");
        }
        // mov, mrs, cpsid aif, setend le, adr, cmp, bne, mrc, mcr, mul, ubfx.
        for instruction in [
            0xe1a0_0000,
            0xe10f_8000,
            0xf10c_01c0,
            0xf101_0000,
            0xe24f_70b4,
            0xe350_001a,
            0x1a00_0003,
            0xee9c_af10,
            0xee8c_1f10,
            0xe000_0291,
            0xe7e3_2852,
        ] {
            assert!(!touches_memory(instruction), "{instruction:08x}");
        }
    }
}
