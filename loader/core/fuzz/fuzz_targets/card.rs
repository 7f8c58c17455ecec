//! A memory card that answers anything: OCR, CID, CSD, SCR, EXT_CSD, status, data.
//!
//! The input's words are the answers, in order, and then zeros; a word of all ones is none.
#![no_main]

use std::cell::Cell;

use libfuzzer_sys::fuzz_target;
use platform_api::{BlockDevice, Clock};
use platform_drivers::mmc::{BusWidth, Card, Command, Data, Host, HostError, Response, Speed};

/// Commands that a card may be asked for: an identification is bounded by time, in which none takes
/// less than a tick.
const MOST_COMMANDS: u64 = 1_000_000;

struct Answers<'d> {
    rest: &'d [u8],
    commands: u64,
}

impl Answers<'_> {
    fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([(); 4].map(|()| self.byte()))
    }

    fn count(&mut self) {
        self.commands += 1;
        assert!(self.commands < MOST_COMMANDS, "no end");
    }
}

impl Host for Answers<'_> {
    fn name(&self) -> &'static str {
        "fuzz-mmc"
    }

    fn limit(&self, _buffer: &[u8]) -> usize {
        8 * 512
    }

    fn reset(&mut self) -> Result<(), HostError> {
        Ok(())
    }

    fn width(&self) -> BusWidth {
        BusWidth::Eight
    }

    fn set_bus(&mut self, _: Speed, _: BusWidth) -> Result<(), HostError> {
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError> {
        self.count();
        let first = match command.response {
            Response::None => return Ok([0; 4]),
            _ => self.word(),
        };
        match command.response {
            _ if first == u32::MAX => Err(HostError::NoResponse),
            Response::Long => Ok([first, self.word(), self.word(), self.word()]),
            _ => Ok([first, 0, 0, 0]),
        }
    }

    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        _block_size: u32,
        _stop: bool,
    ) -> Result<[u32; 4], HostError> {
        if let Data::Read(buffer) = data {
            buffer.fill_with(|| self.byte());
        }
        self.command(command)
    }

    fn quiesce(&mut self) {}
}

/// A clock that moves when it is looked at.
struct Ticking(Cell<u64>);

impl Clock for Ticking {
    fn ticks(&self) -> u64 {
        self.0.set(self.0.get() + 100);
        self.0.get()
    }

    fn frequency(&self) -> u32 {
        1_000_000
    }
}

fuzz_target!(|data: &[u8]| {
    let host = Answers {
        rest: data,
        commands: 0,
    };
    let mut card = Card::new(host, Ticking(Cell::new(0)));
    let info = card.info();
    assert_eq!(info.block_size, 512);
    assert_eq!(card.failure().is_none(), card.card().is_some());
    let mut buffer = [0; 1024];
    for first in [0, info.blocks.saturating_sub(2), info.blocks] {
        let read = card.read_blocks(first, &mut buffer);
        assert!(read.is_err() || first + 2 <= info.blocks);
    }
    let _ = card.erase_blocks(0, 2);
    let _ = card.rescan();
});
