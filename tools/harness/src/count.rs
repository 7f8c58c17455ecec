//! Counts instructions from outside the machine, the same number in every run.
//!
//! With `-icount shift=0` one instruction is one virtual nanosecond, but a disk request ends when
//! the host has done it, while the guest polls: the same load has taken 2.7 and 3.5 million
//! instructions. So the machine is stopped right after each `QueueNotify` of its disk: QEMU drains
//! its disks whenever it stops a machine, and virtual time stands still meanwhile. What is left is
//! the guest's own work, to the instruction.
//!
//! The clock is read by the guest's processor itself: at a mark, the instruction there is replaced
//! by a read of CNTPCT, executed, and put back.

use std::time::{Duration, Instant};

use crate::{
    error::{Error, Result},
    gdb::{Gdb, Stop},
    machine::Machine,
    session::{Session, scaled},
};

/// `mrrc p15, 0, r0, r1, c14`: CNTPCT, the physical counter (DDI 0406C, B4.1.30).
const READ_COUNTER: u32 = 0xec51_0f0e;
/// Virtual nanoseconds in a tick of the counter: QEMU's runs at 62.5 MHz.
const TICK: u64 = 16;
/// `QueueNotify` (virtio 1.0, 4.2.2) of the last virtio-mmio slot of the `virt` board, which is
/// where its first disk is.
const QUEUE_NOTIFY: u32 = 0x0a00_3e50;
/// CPSR.T: Thumb state.
const THUMB: u32 = 1 << 5;
/// CPSR.IT: in an IT block, whose instructions are conditional (DDI 0406C, A2.5.2).
const IT: u32 = 0x0600_fc00;

/// A mark that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The instruction's address.
    pub address: u32,
    /// Instructions executed before it, since power-on.
    pub instructions: u64,
    /// Disk requests made before it.
    pub requests: u32,
}

/// Runs a machine until it has executed the instructions at `addresses`, one after the other,
/// and returns when it did. They must be ARM instructions, in memory mapped to itself or with
/// the MMU off.
///
/// The session comes back too, stopped at the last mark: its transcript says what happened
/// before, and it can only be dropped.
///
/// # Errors
/// The machine cannot be started, or a mark is not reached within `timeout` of the host's time.
pub fn count(
    machine: Machine,
    addresses: &[u32],
    timeout: Duration,
) -> Result<(Vec<Mark>, Session)> {
    let (mut session, socket) = machine.start_for_counting()?;
    let counted = Gdb::connect(&socket).and_then(|gdb| {
        let mut counter = Counter::new(gdb, timeout);
        addresses
            .iter()
            .map(|&address| counter.run_to(address))
            .collect::<Result<Vec<Mark>>>()
    });
    match counted {
        Ok(marks) => Ok((marks, session)),
        // With the console's last words.
        Err(error) => Err(session.fail_with(error)),
    }
}

pub(crate) struct Counter {
    pub(crate) gdb: Gdb,
    pub(crate) deadline: Instant,
    requests: u32,
    /// Instructions that we executed to read the clock.
    overhead: u64,
}

impl Counter {
    pub(crate) fn new(gdb: Gdb, timeout: Duration) -> Self {
        Self {
            gdb,
            deadline: Instant::now() + scaled(timeout),
            requests: 0,
            overhead: 0,
        }
    }

    pub(crate) fn run_to(&mut self, address: u32) -> Result<Mark> {
        self.gdb.set_break(address)?;
        self.gdb.set_watch(QUEUE_NOTIFY)?;
        while self.gdb.resume(self.deadline)? == Stop::Watch {
            self.requests += 1;
            // Execute the store; the disk is done when the machine has stopped again.
            self.gdb.clear_watch(QUEUE_NOTIFY)?;
            self.gdb.step()?;
            self.gdb.set_watch(QUEUE_NOTIFY)?;
        }
        self.gdb.clear_watch(QUEUE_NOTIFY)?;
        self.gdb.clear_break(address)?;
        Ok(Mark {
            address,
            instructions: self.clock(address)?,
            requests: self.requests,
        })
    }

    /// Reads the clock at the instruction at `address`, and leaves everything as it was.
    fn clock(&mut self, address: u32) -> Result<u64> {
        let at = self.gdb.registers()?.general(15);
        if at != Some(address) {
            return Err(Error::check(format!(
                "stopped at {at:08x?}, not at {address:08x}"
            )));
        }
        self.clock_here()
    }

    /// Reads the clock where the machine is, and leaves everything as it was.
    pub(crate) fn clock_here(&mut self) -> Result<u64> {
        let registers = self.gdb.registers()?;
        let (Some(address), Some(cpsr)) = (registers.general(15), registers.cpsr()) else {
            return Err(Error::check("the gdb stub sends no registers"));
        };
        if cpsr & THUMB != 0 && cpsr & IT != 0 {
            return Err(Error::check(format!("{address:08x} is in an IT block")));
        }
        let instruction = self.gdb.read_word(address)?;
        // In Thumb state the first halfword comes first.
        let read = if cpsr & THUMB == 0 {
            READ_COUNTER
        } else {
            READ_COUNTER.rotate_left(16)
        };
        self.gdb.write_word(address, read)?;
        let mut before = None;
        // The counter ticks every 16 instructions; each read is one. At the read that sees the
        // next tick, the clock is a multiple of 16.
        let clock = loop {
            self.gdb.set_registers(&registers)?;
            self.gdb.step()?;
            let read = self.gdb.registers()?;
            let (Some(low), Some(high)) = (read.general(0), read.general(1)) else {
                return Err(Error::check("the gdb stub sends no registers"));
            };
            let ticks = u64::from(high) << 32 | u64::from(low);
            if before.is_some_and(|before| before != ticks) {
                break ticks * TICK - self.overhead;
            }
            before = Some(ticks);
            self.overhead += 1;
        };
        self.overhead += 1;
        self.gdb.write_word(address, instruction)?;
        self.gdb.set_registers(&registers)?;
        Ok(clock)
    }
}
