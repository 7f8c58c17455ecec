//! A controller as the specification has it, with a card behind it, for tests.

use std::{cell::RefCell, rc::Rc};

use super::registers::*;
use crate::mmc::{Bus, Command, Data, Host, HostError, Response, fake::Fake};

/// Capabilities: 3.3 V, high speed, 50 MHz; and each way to move data.
pub const PORT: u32 = 1 << 24 | CAN_HIGH_SPEED | 50 << 8;
pub const SDMA: u32 = PORT | CAN_SDMA;
pub const ADMA2_TOO: u32 = SDMA | CAN_ADMA2 | USDHC_CAN_ADMA2;

/// Where SDMA stops: always the 512 KiB of the driver's choice.
const BOUNDARY: usize = 512 << 10;

pub struct State {
    pub words: [u32; REGISTERS / 4],
    pub card: Fake,
    pub usdhc: bool,
    /// Shown instead of what the next command would do.
    pub failing: u32,
    /// Does nothing any more, as if its clock were off.
    pub dead: bool,
    /// How often SDMA stopped.
    pub stops: u32,
    /// Registers written, in order.
    pub written: Vec<(usize, u32)>,
    /// Memory that the driver told of: what the bus calls it, and where it is.
    known: Vec<(u32, usize)>,
    port: Vec<u8>,
    moved: usize,
    pending: Option<(Command, bool)>,
}

#[derive(Clone)]
pub struct Model(pub Rc<RefCell<State>>);

impl Model {
    pub fn new(card: Fake, capabilities: u32, usdhc: bool) -> Self {
        let mut words = [0; REGISTERS / 4];
        words[CAPABILITIES / 4] = capabilities;
        words[VERSION / 4] = 2 << 16;
        Self(Rc::new(RefCell::new(State {
            words,
            card,
            usdhc,
            failing: 0,
            dead: false,
            stops: 0,
            written: Vec::new(),
            known: Vec::new(),
            port: Vec::new(),
            moved: 0,
            pending: None,
        })))
    }
}

impl State {
    fn word(&mut self, offset: usize) -> &mut u32 {
        &mut self.words[offset / 4]
    }

    fn show(&mut self, bits: u32) {
        let enabled = *self.word(ENABLE);
        *self.word(INTERRUPTS) |= bits & enabled;
    }

    /// Where memory is that the bus calls `address`.
    fn memory(&self, address: u32) -> *mut u8 {
        let (base, at) = self
            .known
            .iter()
            .filter(|(base, _)| *base <= address)
            .max()
            .expect("an address the driver never told");
        std::ptr::with_exposed_provenance_mut(at + (address - base) as usize)
    }

    fn length(&self) -> usize {
        let blocks = self.words[BLOCKS / 4];
        ((blocks >> 16) * (blocks & 0xfff)) as usize
    }

    fn mode(&self) -> u32 {
        let word = self.words[if self.usdhc { MIX_CONTROL } else { COMMAND } / 4];
        word & MIX_MODE
    }

    fn execute(&mut self) {
        let word = *self.word(COMMAND);
        let command = Command {
            index: (word >> 24 & 0x3f) as u8,
            argument: *self.word(ARGUMENT),
            response: match word & ANSWER_48_BUSY {
                0 => Response::None,
                ANSWER_136 => Response::Long,
                ANSWER_48 => Response::Short,
                _ => Response::ShortBusy,
            },
        };
        if self.failing != 0 {
            let bits = std::mem::take(&mut self.failing);
            return self.show(bits);
        }
        if word & WITH_DATA == 0 {
            let answer = self.card.command(command);
            return self.answered(answer, command.response == Response::Long);
        }
        let reads = self.mode() & FROM_CARD != 0;
        self.port = vec![0; self.length()];
        self.moved = 0;
        self.pending = Some((command, reads));
        if reads {
            let mut data = std::mem::take(&mut self.port);
            let answer = self.exchange(command, Data::Read(&mut data));
            self.port = data;
            if answer.is_err() {
                self.pending = None;
                return self.answered(answer, false);
            }
        }
        self.show(COMMAND_DONE);
        *self.word(RESPONSE[0]) = 0x900;
        if self.mode() & BY_DMA != 0 {
            self.master();
        }
    }

    fn exchange(&mut self, command: Command, data: Data<'_>) -> Result<[u32; 4], HostError> {
        let size = self.words[BLOCKS / 4] & 0xfff;
        let stop = self.mode() & AUTO_STOP != 0;
        assert_eq!(self.mode() & MANY_BLOCKS != 0, data.len() > size as usize);
        self.card.transfer(command, data, size, stop)
    }

    fn answered(&mut self, answer: Result<[u32; 4], HostError>, long: bool) {
        match answer {
            Ok(words) => {
                let value = words
                    .iter()
                    .rev()
                    .fold(0_u128, |all, word| all << 32 | u128::from(*word));
                let value = if long { value >> 8 } else { value };
                for (index, offset) in RESPONSE.into_iter().enumerate() {
                    *self.word(offset) = (value >> (32 * index) & 0xffff_ffff) as u32;
                }
                self.show(COMMAND_DONE);
            }
            Err(HostError::DataCrc) => self.show(COMMAND_DONE | 1 << 21),
            Err(_) => self.show(1 << 16),
        }
    }

    /// Moves data over the bus, as far as it goes without being told more.
    fn master(&mut self) {
        let select = *self.word(HOST_CONTROL) & if self.usdhc { 3 << 8 } else { 3 << 3 };
        if select == 0 {
            return self.sdma();
        }
        assert_eq!(select, if self.usdhc { USDHC_ADMA2 } else { ADMA2 });
        let mut list = *self.word(ADMA_ADDRESS);
        loop {
            // SAFETY: the driver's descriptors, which live as long as it does.
            let [flags, address] = unsafe { self.memory(list).cast::<[u32; 2]>().read_volatile() };
            assert_eq!(flags & 0x31, 0x21, "valid, and to be moved");
            self.copy(address, (flags >> 16) as usize);
            if flags & 2 != 0 {
                return self.done();
            }
            list += 8;
        }
    }

    fn sdma(&mut self) {
        let address = *self.word(SYSTEM_ADDRESS);
        let room = BOUNDARY - address as usize % BOUNDARY;
        let length = room.min(self.length() - self.moved);
        self.copy(address, length);
        *self.word(SYSTEM_ADDRESS) = address + u32::try_from(length).unwrap();
        if self.moved == self.length() {
            return self.done();
        }
        self.stops += 1;
        self.show(DMA_STOPPED);
    }

    fn copy(&mut self, address: u32, length: usize) {
        let memory = self.memory(address);
        let (_, reads) = self.pending.unwrap();
        let part = &mut self.port[self.moved..self.moved + length];
        // SAFETY: memory that the driver lends to the bus master for now.
        let memory = unsafe { std::slice::from_raw_parts_mut(memory, length) };
        if reads {
            memory.copy_from_slice(part);
        } else {
            part.copy_from_slice(memory);
        }
        self.moved += length;
    }

    /// All has moved.
    fn done(&mut self) {
        assert_eq!(self.moved, self.length());
        if let Some((command, false)) = self.pending.take() {
            let data = std::mem::take(&mut self.port);
            self.exchange(command, Data::Write(&data)).unwrap();
        }
        self.show(TRANSFER_DONE);
    }

    /// One word through the buffer port.
    fn through(&mut self, word: Option<u32>) -> u32 {
        let place = &mut self.port[self.moved..self.moved + 4];
        if let Some(word) = word {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let word = u32::from_le_bytes(place.try_into().unwrap());
        self.moved += 4;
        if self.moved == self.length() {
            self.done();
        }
        word
    }
}

impl Bus for Model {
    fn get(&self, offset: usize) -> u32 {
        let mut state = self.0.borrow_mut();
        match offset {
            _ if state.dead => u32::MAX,
            DATA => state.through(None),
            STATE => {
                let lines = DATA_LINE | USDHC_DATA_LINE | USDHC_STABLE;
                lines
                    | match state.pending {
                        Some((_, true)) => CAN_READ,
                        Some((_, false)) => CAN_WRITE,
                        None => 0,
                    }
            }
            _ => *state.word(offset),
        }
    }

    fn set(&self, offset: usize, value: u32) {
        let mut state = self.0.borrow_mut();
        state.written.push((offset, value));
        match offset {
            _ if state.dead => {}
            DATA => {
                state.through(Some(value));
            }
            INTERRUPTS => *state.word(INTERRUPTS) &= !value,
            CLOCK => {
                if value & RESET_DATA != 0 {
                    state.pending = None;
                }
                let stable = if value & CLOCK_ON != 0 {
                    CLOCK_STABLE
                } else {
                    0
                };
                *state.word(CLOCK) = value & 0x00ff_ffff | stable;
            }
            COMMAND => {
                *state.word(COMMAND) = value;
                state.execute();
            }
            _ => {
                *state.word(offset) = value;
                if offset == SYSTEM_ADDRESS && state.pending.is_some() {
                    state.sdma();
                }
            }
        }
    }

    fn bus_address(&self, address: usize) -> Option<u32> {
        let low = u32::try_from(address & 0xffff_ffff).unwrap();
        self.0.borrow_mut().known.push((low, address));
        Some(low)
    }
}
