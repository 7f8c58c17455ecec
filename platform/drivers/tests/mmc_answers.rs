//! Cards that answer anything: registers that make no sense are named errors or odd cards, no panic.
#![allow(missing_docs, reason = "a test")]

use std::cell::Cell;

use platform_api::{BlockDevice, Clock};
use platform_drivers::mmc::{BusWidth, Card, Command, Data, Host, HostError, Response, Speed};

/// Numbers that look random, from a seed (xorshift64*).
struct Random(u64);

impl Random {
    fn word(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        u32::try_from(value).unwrap_or(0)
    }
}

/// A card that is willing: ready, in the right state; its registers are random.
struct Willing {
    random: Random,
    mmc: bool,
    application: bool,
}

impl Host for Willing {
    fn name(&self) -> &'static str {
        "random-mmc"
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
        let application = std::mem::replace(&mut self.application, command.index == 55);
        let random = self.random.word();
        // One answer in sixteen is anything, or none.
        if random.is_multiple_of(32) {
            return Err(HostError::NoResponse);
        }
        let mut word = || self.random.word();
        Ok(match (command.index, command.response) {
            _ if random % 32 == 1 => [word(), word(), word(), word()],
            (_, Response::Long) => [word(), word(), word(), word()],
            (8 | 55, _) if self.mmc => return Err(HostError::NoResponse),
            (8, _) => [command.argument, 0, 0, 0],
            (41, _) if application => [0x80ff_8000 | (word() & 0x4000_0000), 0, 0, 0],
            (1, _) => [0x80ff_8000 | (word() & 0x4000_0000), 0, 0, 0],
            // In transfer state, ready for data, the next command an application's.
            _ => [4 << 9 | 1 << 8 | 1 << 5, 0, 0, 0],
        })
    }

    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        _block_size: u32,
        _stop: bool,
    ) -> Result<[u32; 4], HostError> {
        if let Data::Read(buffer) = data {
            buffer.fill_with(|| self.random.word().to_le_bytes()[0]);
        }
        self.command(command)
    }

    fn quiesce(&mut self) {}
}

struct Ticking(Cell<u64>);

impl Clock for Ticking {
    fn ticks(&self) -> u64 {
        self.0.set(self.0.get() + 1000);
        self.0.get()
    }

    fn frequency(&self) -> u32 {
        1_000_000
    }
}

#[test]
fn registers_of_anything() {
    let mut identified = [0, 0];
    for seed in 1..4000_u64 {
        let mmc = seed % 2 == 1;
        let host = Willing {
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            mmc,
            application: false,
        };
        let mut card = Card::new(host, Ticking(Cell::new(0)));
        let info = card.info();
        assert_eq!(info.block_size, 512);
        assert_eq!(card.failure().is_none(), card.card().is_some());
        if card.card().is_some() {
            identified[usize::from(mmc)] += 1;
        }
        let mut buffer = [0; 1024];
        for first in [0, info.blocks.saturating_sub(2), info.blocks] {
            let read = card.read_blocks(first, &mut buffer);
            assert!(read.is_err() || first + 2 <= info.blocks, "seed {seed}");
        }
        let _ = card.erase_blocks(0, 2);
        let _ = card.rescan();
    }
    // Enough of both kinds came through for the decoding to be tried.
    assert!(
        identified.iter().all(|count| *count > 100),
        "{identified:?}"
    );
}
