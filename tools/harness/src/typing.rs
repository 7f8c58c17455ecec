//! Counts what a line typed at the prompt costs, the same number in every run.
//!
//! Characters that are typed while a machine runs arrive at the host's time. So they are put into
//! the receive FIFO while it is stopped: a line of exactly as many characters as the FIFO holds,
//! each time the prompt's last character has been written. That is a user who types at full speed
//! and never before the prompt.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    count::Counter,
    error::{Error, Result},
    gdb::{Gdb, Stop},
    machine::Machine,
    session::{Session, scaled},
};

/// The data and the flag register of the `virt` board's PL011 (DDI 0183, 3.3.1 and 3.3.3).
const DATA: u32 = 0x0900_0000;
const FLAGS: u32 = 0x0900_0018;
/// UARTFR: the receive FIFO is full.
const RECEIVE_FULL: u32 = 1 << 6;
/// Characters in the receive FIFO of QEMU's PL011.
const FIFO: usize = 16;
/// How long the host may take to pass a character on.
const PASSING: Duration = Duration::from_secs(20);
/// A console that was silent for so long has nothing more to pass on.
const SETTLED: Duration = Duration::from_millis(300);

/// What lines cost, in instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// From one prompt's last character to the next one's, for each line.
    pub lines: Vec<u64>,
    /// From the load of the last line's last character, its CR, to the next prompt's last
    /// character.
    pub latency: u64,
}

/// Types each of `lines` at the prompt of the loader that is entered at `entry`, whose bytes are
/// ARM instructions, after the first stage. A line has 16 characters, its CR among them.
///
/// # Errors
/// The machine cannot be started, or no prompt comes within `timeout` of the host's time.
pub fn typing(machine: Machine, entry: u32, lines: &[&str], timeout: Duration) -> Result<Typed> {
    if let Some(line) = lines.iter().find(|line| line.len() != FIFO) {
        return Err(Error::check(format!("{line:?} has not {FIFO} characters")));
    }
    let (mut session, socket) = machine.start_for_counting()?;
    let typed = Gdb::connect(&socket).and_then(|gdb| {
        let mut counter = Counter::new(gdb, timeout);
        counter.run_to(entry)?;
        settle(&session);
        Typist {
            counter,
            session: &mut session,
        }
        .type_all(lines)
    });
    typed.map_err(|error| session.fail_with(error))
}

/// Waits until the host has passed on what the first stage wrote.
fn settle(session: &Session) {
    let mut before = 0;
    loop {
        let now = session.transcript().len();
        if now == before && now > 0 {
            return;
        }
        before = now;
        thread::sleep(SETTLED);
    }
}

struct Typist<'s> {
    counter: Counter,
    session: &'s mut Session,
}

impl Typist<'_> {
    fn type_all(&mut self, lines: &[&str]) -> Result<Typed> {
        self.run_to_prompt()?;
        let mut typed = Typed {
            lines: Vec::new(),
            latency: 0,
        };
        let mut before = self.counter.clock_here()?;
        for (index, line) in lines.iter().enumerate() {
            self.fill_fifo(line)?;
            let received = if index + 1 == lines.len() {
                self.run_to_last_load()?;
                Some(self.counter.clock_here()?)
            } else {
                None
            };
            self.run_to_prompt()?;
            let now = self.counter.clock_here()?;
            typed.lines.push(now - before);
            typed.latency = received.map_or(0, |received| now - received);
            before = now;
        }
        Ok(typed)
    }

    /// Puts a line into the receive FIFO of the stopped machine.
    fn fill_fifo(&mut self, line: &str) -> Result<()> {
        self.session.send(line);
        let deadline = Instant::now() + scaled(PASSING);
        while self.counter.gdb.read_word(FLAGS)? & RECEIVE_FULL == 0 {
            if Instant::now() >= deadline {
                return Err(Error::check("the receive FIFO does not fill"));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Runs until the FIFO's last character is about to be loaded.
    fn run_to_last_load(&mut self) -> Result<()> {
        let gdb = &mut self.counter.gdb;
        for character in 0..FIFO {
            gdb.set_read_watch(DATA)?;
            if gdb.resume(self.counter.deadline)? != Stop::Watch {
                return Err(Error::check("stopped elsewhere than at the receiver"));
            }
            gdb.clear_read_watch(DATA)?;
            if character + 1 < FIFO {
                gdb.step()?;
            }
        }
        Ok(())
    }

    /// Runs until a prompt has been written, to the instruction behind its last store.
    fn run_to_prompt(&mut self) -> Result<()> {
        let gdb = &mut self.counter.gdb;
        let mut written = self.session.transcript().len();
        let start = written;
        loop {
            gdb.set_watch(DATA)?;
            if gdb.resume(self.counter.deadline)? != Stop::Watch {
                return Err(Error::check("stopped elsewhere than at the transmitter"));
            }
            gdb.clear_watch(DATA)?;
            gdb.step()?;
            written += 1;
            let deadline = Instant::now() + scaled(PASSING);
            let mut text = self.session.transcript();
            while text.len() < written {
                if Instant::now() >= deadline {
                    return Err(Error::check("a character was written and did not come"));
                }
                thread::yield_now();
                text = self.session.transcript();
            }
            if text.get(start..).is_some_and(|new| new.ends_with("\n=> ")) {
                return Ok(());
            }
        }
    }
}
