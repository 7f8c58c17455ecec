use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use platform_api::{BlockDevice, BlockError, CardKind};

use super::*;
use crate::mmc::{
    Card,
    fake::{self, Fake, Ticking},
};

/// The registers, with what the machine behind them does, and a card.
struct State {
    words: [u32; REGISTERS / 4],
    card: Fake,
    /// Words on their way: to the driver, or from it.
    fifo: VecDeque<u32>,
    /// Bytes of a write that have come.
    taken: Vec<u8>,
    writing: Option<Command>,
    /// Shown instead of what the next command would do.
    failing: u32,
    /// The machine stays in front of the next block.
    waits: bool,
    dead: bool,
}

#[derive(Clone)]
struct Model(Rc<RefCell<State>>);

impl State {
    fn execute(&mut self, word: u32) {
        let response = match word {
            _ if word & NO_RESPONSE != 0 => Response::None,
            _ if word & LONG_RESPONSE != 0 => Response::Long,
            _ => Response::Short,
        };
        let command = Command {
            index: (word & 0x3f) as u8,
            argument: self.words[ARGUMENT / 4],
            response,
        };
        self.words[COMMAND / 4] = word & !NEW;
        let result = match std::mem::take(&mut self.failing) {
            0 => self.answer(command, word),
            status => {
                self.words[STATUS / 4] |= status;
                if status & (COMMAND_CRC | COMMAND_TIMEOUT) != 0 {
                    self.words[COMMAND / 4] |= FAILED;
                }
                return;
            }
        };
        match result {
            Ok(words) => self.words[0x10 / 4..0x20 / 4].copy_from_slice(&words),
            Err(HostError::DataCrc) => self.words[STATUS / 4] |= DATA_CRC,
            Err(_) => {
                self.words[STATUS / 4] |= COMMAND_TIMEOUT;
                self.words[COMMAND / 4] |= FAILED;
            }
        }
    }

    fn answer(&mut self, command: Command, word: u32) -> Result<[u32; 4], HostError> {
        let (size, count) = (self.words[BYTE_COUNT / 4], self.words[BLOCK_COUNT / 4]);
        let mut data = vec![0; (size * count) as usize];
        if word & WRITE != 0 {
            self.writing = Some(command);
            self.taken.clear();
            return Ok([0x900, 0, 0, 0]);
        }
        if word & READ == 0 {
            return self.card.command(command);
        }
        let answer = self
            .card
            .transfer(command, Data::Read(&mut data), size, false)?;
        let words = data.as_chunks::<4>().0.iter();
        self.fifo = words.map(|bytes| u32::from_le_bytes(*bytes)).collect();
        self.words[DEBUG / 4] = self.words[DEBUG / 4] & !MACHINE | 2;
        Ok(answer)
    }

    /// All has moved: the machine is idle, or waits for a block that will not come.
    fn end(&mut self, waiting: u32) {
        let state = if self.waits { waiting } else { IDLE };
        self.words[DEBUG / 4] = self.words[DEBUG / 4] & !MACHINE | state;
    }
}

impl Bus for Model {
    fn get(&self, offset: usize) -> u32 {
        let mut state = self.0.borrow_mut();
        match offset {
            _ if state.dead => NEW,
            DATA => {
                let word = state.fifo.pop_front().expect("more than there is");
                if state.fifo.is_empty() {
                    state.end(READ_WAIT);
                }
                word
            }
            DEBUG => {
                let level = u32::try_from(state.fifo.len().min(FIFO_WORDS)).unwrap();
                state.words[DEBUG / 4] & !(FIFO_MASK << FIFO_SHIFT) | level << FIFO_SHIFT
            }
            _ => state.words[offset / 4],
        }
    }

    fn set(&self, offset: usize, value: u32) {
        let mut state = self.0.borrow_mut();
        match offset {
            COMMAND if value & NEW != 0 && !state.dead => state.execute(value),
            STATUS => state.words[STATUS / 4] &= !value,
            DEBUG if value & FORCE_IDLE != 0 => {
                state.words[DEBUG / 4] = value & !FORCE_IDLE & !MACHINE | IDLE;
            }
            DATA => {
                state.taken.extend(value.to_le_bytes());
                let size = state.words[BYTE_COUNT / 4];
                if state.taken.len() == (size * state.words[BLOCK_COUNT / 4]) as usize {
                    let command = state.writing.take().expect("a command that writes");
                    let data = std::mem::take(&mut state.taken);
                    state
                        .card
                        .transfer(command, Data::Write(&data), size, false)
                        .unwrap();
                    state.end(WRITE_START);
                }
            }
            _ => state.words[offset / 4] = value,
        }
    }
}

fn host(kind: fake::Model) -> (Model, SdHost<Model, Ticking>) {
    let model = Model(Rc::new(RefCell::new(State {
        words: [0; REGISTERS / 4],
        card: Fake::new(kind, 4096),
        fifo: VecDeque::new(),
        taken: Vec::new(),
        writing: None,
        failing: 0,
        waits: false,
        dead: false,
    })));
    let host = SdHost::new(model.clone(), Ticking::default(), 250_000_000, Some(4));
    (model, host)
}

#[test]
fn a_card_is_found_read_and_written() {
    for waits in [false, true] {
        let (model, host) = host(fake::Model::Sdhc);
        model.0.borrow_mut().waits = waits;
        let mut card = Card::new(host, Ticking::default());
        let facts = card.card().unwrap();
        assert_eq!(facts.kind, CardKind::Sdhc);
        assert_eq!((facts.bus.width, facts.bus.high_speed), (4, true));
        let mut buffer = vec![0; 1 + 600 * 512];
        card.read_blocks(100, &mut buffer[1..]).unwrap();
        for (index, block) in buffer[1..].chunks(512).enumerate() {
            let number = u64::from_le_bytes(block[..8].try_into().unwrap());
            assert_eq!(number, 100 + index as u64);
        }
        card.write_blocks(5, &[0x5a; 3 * 512]).unwrap();
        let state = model.0.borrow();
        assert_eq!(state.card.0.borrow().blocks[7], [0x5a; 512]);
        // No machine is left waiting, and four lines are on.
        assert_eq!(state.words[DEBUG / 4] & MACHINE, IDLE);
        assert_eq!(state.words[CONFIGURATION / 4] & WIDE_OUTSIDE, WIDE_OUTSIDE);
        // 250 MHz by 5.
        assert_eq!(state.words[CLOCK_DIVIDER / 4], 3);
        assert_eq!(state.words[TIMEOUT / 4], 25_000_000);
        assert_eq!(state.words[DEBUG / 4] & THRESHOLDS, FOUR_WORDS);
    }
}

#[test]
fn errors_have_names() {
    let command = Command {
        index: 17,
        argument: 0,
        response: Response::Short,
    };
    for (status, error) in [
        (DATA_TIMEOUT, HostError::DataTimeout),
        (DATA_CRC, HostError::DataCrc),
        (FIFO_ERROR, HostError::Overrun),
        (COMMAND_CRC, HostError::ResponseCrc),
        (COMMAND_TIMEOUT, HostError::NoResponse),
    ] {
        let (model, mut host) = host(fake::Model::Sdhc);
        host.reset().unwrap();
        model.0.borrow_mut().failing = status;
        let mut buffer = [0; 512];
        let result = host.transfer(command, Data::Read(&mut buffer), 512, false);
        assert_eq!(result, Err(error));
        host.transfer(command, Data::Read(&mut buffer), 512, false)
            .unwrap();
    }
    // An answer without a CRC seems to have a wrong one.
    let (model, mut host) = host(fake::Model::Sdhc);
    host.reset().unwrap();
    model.0.borrow_mut().failing = COMMAND_CRC;
    let bare = command.answered(Response::NoCrc);
    host.command(bare).unwrap();
    model.0.borrow_mut().failing = COMMAND_TIMEOUT;
    assert_eq!(host.command(bare), Err(HostError::NoResponse));
}

#[test]
fn a_dead_host_and_an_empty_slot_are_given_up() {
    let (model, mut host) = host(fake::Model::Sdhc);
    model.0.borrow_mut().dead = true;
    let command = Command {
        index: 13,
        argument: 0,
        response: Response::Short,
    };
    assert_eq!(host.command(command), Err(HostError::Stuck(COMMAND_US)));
    let (_, empty) = self::host(fake::Model::None);
    let mut card = Card::new(empty, Ticking::default());
    let mut buffer = [0; 512];
    assert_eq!(card.read_blocks(0, &mut buffer), Err(BlockError::NoMedium));
}

#[test]
fn the_clock_is_never_faster_than_asked_for() {
    assert_eq!(divide(250_000_000, 400_000), (623, 400_000));
    assert_eq!(divide(250_000_000, 25_000_000), (8, 25_000_000));
    assert_eq!(divide(250_000_000, 50_000_000), (3, 50_000_000));
    assert_eq!(divide(400_000_000, 50_000_000), (6, 50_000_000));
    assert_eq!(divide(350_000_000, 50_000_000), (5, 50_000_000));
    assert_eq!(divide(48_000_000, 50_000_000), (0, 24_000_000));
    for limit in [400_000, 25_000_000, 50_000_000] {
        for rate in [250_000_000, 333_333_333, FASTEST_CORE] {
            assert!(divide(rate, limit).1 <= limit);
        }
    }
}
