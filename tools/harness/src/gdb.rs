//! A client of QEMU's gdb stub: the remote serial protocol on a Unix socket.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    session::scaled,
};

/// How long the stub may take to open its socket, and to answer anything but "continue".
const PATIENCE: Duration = Duration::from_secs(20);

/// The registers of an Arm processor, in the stub's order.
const REGISTERS: &str = "g";
/// Bytes of the old floating-point registers between `pc` and `cpsr`, which QEMU 7.2 still sends
/// and QEMU 10 does not.
const OLD_FLOAT: usize = 8 * 12 + 4;

/// What stops the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// An instruction is about to be executed.
    Break,
    /// A store to a watched address is about to be executed.
    Watch,
}

/// The general registers as the stub sends them, to be put back as they are.
#[derive(Clone, Debug)]
pub(crate) struct Registers(String);

impl Registers {
    /// Returns a general register; `r15` is the address of the next instruction.
    pub(crate) fn general(&self, index: usize) -> Option<u32> {
        (index < 16).then(|| self.word(index * 4)).flatten()
    }

    /// Returns the program status register.
    pub(crate) fn cpsr(&self) -> Option<u32> {
        self.word(16 * 4 + OLD_FLOAT).or_else(|| self.word(16 * 4))
    }

    fn word(&self, byte: usize) -> Option<u32> {
        let digits = self.0.get(byte * 2..byte * 2 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.swap_bytes())
    }
}

/// A connection to the stub of a machine.
#[derive(Debug)]
pub(crate) struct Gdb {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Gdb {
    /// Connects to the stub that QEMU opens at `socket`.
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        let deadline = Instant::now() + scaled(PATIENCE);
        loop {
            match UnixStream::connect(socket) {
                Ok(stream) => {
                    return Ok(Self {
                        stream,
                        received: Vec::new(),
                    });
                }
                Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                Err(error) => return Err(Error::io("connecting to QEMU's gdb stub", error)),
            }
        }
    }

    /// Stops before the instruction at `address` is executed.
    pub(crate) fn set_break(&mut self, address: u32) -> Result<()> {
        self.ok(&format!("Z1,{address:x},4"))
    }

    /// Takes that back.
    pub(crate) fn clear_break(&mut self, address: u32) -> Result<()> {
        self.ok(&format!("z1,{address:x},4"))
    }

    /// Stops before a store to the word at `address`.
    pub(crate) fn set_watch(&mut self, address: u32) -> Result<()> {
        self.ok(&format!("Z2,{address:x},4"))
    }

    /// Takes that back.
    pub(crate) fn clear_watch(&mut self, address: u32) -> Result<()> {
        self.ok(&format!("z2,{address:x},4"))
    }

    /// Stops before a load from the word at `address`.
    pub(crate) fn set_read_watch(&mut self, address: u32) -> Result<()> {
        self.ok(&format!("Z3,{address:x},4"))
    }

    /// Takes that back.
    pub(crate) fn clear_read_watch(&mut self, address: u32) -> Result<()> {
        self.ok(&format!("z3,{address:x},4"))
    }

    /// Runs until something stops the machine.
    pub(crate) fn resume(&mut self, deadline: Instant) -> Result<Stop> {
        self.send("c")?;
        let answer = self.receive(deadline)?;
        if !answer.starts_with('T') {
            return Err(refused("c", &answer));
        }
        Ok(if answer.contains("watch:") {
            Stop::Watch
        } else {
            Stop::Break
        })
    }

    /// Lets the machine run on, unwatched.
    pub(crate) fn detach(&mut self) -> Result<()> {
        self.ok("D")
    }

    /// Executes one instruction. No breakpoint may be set on it: it would stop there again.
    pub(crate) fn step(&mut self) -> Result<()> {
        let answer = self.ask("s")?;
        if answer.starts_with('T') {
            return Ok(());
        }
        Err(refused("s", &answer))
    }

    /// Reads the general registers.
    pub(crate) fn registers(&mut self) -> Result<Registers> {
        self.ask(REGISTERS).map(Registers)
    }

    /// Writes them back.
    pub(crate) fn set_registers(&mut self, registers: &Registers) -> Result<()> {
        self.ok(&format!("G{}", registers.0))
    }

    /// Reads a word of memory, as the processor sees it.
    pub(crate) fn read_word(&mut self, address: u32) -> Result<u32> {
        let question = format!("m{address:x},4");
        let answer = self.ask(&question)?;
        match u32::from_str_radix(&answer, 16) {
            Ok(word) if answer.len() == 8 => Ok(word.swap_bytes()),
            _ => Err(refused(&question, &answer)),
        }
    }

    /// Writes a word of memory; page permissions do not count.
    pub(crate) fn write_word(&mut self, address: u32, word: u32) -> Result<()> {
        self.ok(&format!("M{address:x},4:{:08x}", word.swap_bytes()))
    }

    fn ok(&mut self, question: &str) -> Result<()> {
        let mut answer = self.ask(question)?;
        // QEMU 7.2 says unasked that it stopped, when one connects to a running machine.
        while answer.starts_with('T') {
            answer = self.receive(Instant::now() + scaled(PATIENCE))?;
        }
        if answer == "OK" {
            return Ok(());
        }
        Err(refused(question, &answer))
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        self.send(question)?;
        self.receive(Instant::now() + scaled(PATIENCE))
    }

    fn send(&mut self, packet: &str) -> Result<()> {
        let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
        write!(self.stream, "${packet}#{sum:02x}")
            .map_err(|error| Error::io("QEMU's gdb stub", error))
    }

    /// Receives a packet, `$...#xx`, and acknowledges it; what stands before it are acknowledgements.
    fn receive(&mut self, deadline: Instant) -> Result<String> {
        loop {
            if let Some(packet) = self.take() {
                self.stream
                    .write_all(b"+")
                    .map_err(|error| Error::io("QEMU's gdb stub", error))?;
                return Ok(packet);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Err(Error::check("the machine did not stop in time"));
            }
            let mut buffer = [0; 4096];
            let received = self
                .stream
                .set_read_timeout(Some(left))
                .and_then(|()| self.stream.read(&mut buffer));
            match received {
                Ok(0) => return Err(Error::check("QEMU closed its gdb stub")),
                Ok(count) => self
                    .received
                    .extend(buffer.get(..count).unwrap_or_default()),
                // The loop sees whether the time is over.
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(Error::io("QEMU's gdb stub", error)),
            }
        }
    }

    /// Takes a whole packet out of what was received.
    fn take(&mut self) -> Option<String> {
        let start = self.received.iter().position(|&byte| byte == b'$')?;
        let end = self.received.iter().position(|&byte| byte == b'#')?;
        // Two digits of checksum; a Unix socket does not garble.
        self.received.get(end + 2)?;
        let packet = self.received.get(start + 1..end)?;
        let packet = String::from_utf8_lossy(packet).into_owned();
        self.received.drain(..end + 3);
        Some(packet)
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

fn refused(question: &str, answer: &str) -> Error {
    ErrorKind::Monitor(format!("the gdb stub answers {answer:?} to {question:?}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_taken_whole() {
        let (stream, _other) = UnixStream::pair().unwrap();
        let mut gdb = Gdb {
            stream,
            received: b"+$OK#9".to_vec(),
        };
        assert_eq!(gdb.take(), None);
        gdb.received.extend(b"a+$T05thread:01;#07$");
        assert_eq!(gdb.take().as_deref(), Some("OK"));
        assert_eq!(gdb.take().as_deref(), Some("T05thread:01;"));
        assert_eq!(gdb.take(), None);
    }

    #[test]
    fn registers_are_little_endian() {
        let mut text = "00".repeat(168);
        text.replace_range(15 * 8..16 * 8, "78563412");
        text.replace_range(164 * 2..168 * 2, "da010020");
        let registers = Registers(text);
        assert_eq!(registers.general(15), Some(0x1234_5678));
        assert_eq!(registers.general(16), None);
        assert_eq!(registers.cpsr(), Some(0x2000_01da));
        let newer = Registers("00".repeat(16 * 4) + "da010020");
        assert_eq!(newer.cpsr(), Some(0x2000_01da));
    }
}
