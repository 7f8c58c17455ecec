//! A host with a card as the specifications describe it, for tests.

use std::{cell::RefCell, rc::Rc};

use platform_api::Clock;

use super::{BusWidth, Command, Data, Host, HostError, Response, Speed};

/// Which card is in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    None,
    /// SD of version 1.0: answers neither CMD8 nor CMD6, is addressed by bytes.
    Sd1,
    /// SDHC of version 3, with high speed.
    Sdhc,
    /// An MMC addressed by blocks.
    Emmc,
}

#[derive(Debug)]
pub(super) struct State {
    pub model: Model,
    pub blocks: Vec<[u8; 512]>,
    pub log: Vec<String>,
    pub bus: (Speed, BusWidth),
    /// How many transfers from now on fail, and how.
    pub failing: (u32, Option<HostError>),
    /// Rounds of ACMD41 or CMD1 until the card is up.
    pub waking: u32,
    pub write_protected: bool,
    /// From how many commands on the host hangs: each then takes so many microseconds and fails, or
    /// only takes them.
    pub hanging: Option<(usize, u64, bool)>,
    pub clock: Ticking,
    app: bool,
    state: u32,
    erase: (u32, u32),
    illegal: bool,
}

/// The test's end stays behind.
#[derive(Clone, Debug)]
pub(super) struct Fake(pub Rc<RefCell<State>>);

/// A clock that moves when it is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Ticking(Rc<RefCell<u64>>);

impl Clock for Ticking {
    fn ticks(&self) -> u64 {
        *self.0.borrow_mut() += 50;
        *self.0.borrow()
    }

    fn frequency(&self) -> u32 {
        1_000_000
    }
}

impl Ticking {
    /// Returns the time without moving it.
    pub fn now(&self) -> u64 {
        *self.0.borrow()
    }
}

impl Fake {
    pub fn new(model: Model, blocks: usize) -> Self {
        let mut contents = vec![[0; 512]; blocks];
        for (index, block) in contents.iter_mut().enumerate() {
            block[..8].copy_from_slice(&(index as u64).to_le_bytes());
        }
        Self(Rc::new(RefCell::new(State {
            model,
            blocks: contents,
            log: Vec::new(),
            bus: (Speed::Identification, BusWidth::One),
            failing: (0, None),
            waking: 3,
            write_protected: false,
            hanging: None,
            clock: Ticking::default(),
            app: false,
            state: 0,
            erase: (0, 0),
            illegal: false,
        })))
    }
}

impl State {
    fn hang(&mut self) -> Result<(), HostError> {
        match self.hanging {
            Some((from, us, fails)) if self.log.len() > from => {
                *self.clock.0.borrow_mut() += us;
                if fails {
                    Err(HostError::Stuck(us))
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    fn status(&mut self) -> u32 {
        let illegal = if std::mem::take(&mut self.illegal) {
            1 << 22
        } else {
            0
        };
        self.state << 9 | 1 << 8 | illegal
    }

    fn ocr(&mut self) -> u32 {
        if self.waking > 0 {
            self.waking -= 1;
            return 0x00ff_8000;
        }
        let high = if self.model == Model::Sd1 { 0 } else { 1 << 30 };
        0x80ff_8000 | high
    }

    /// CSD of version 2 (SD 5.3.3), or of version 1 for up to 4096 blocks (5.3.2).
    fn csd(&self) -> [u32; 4] {
        let blocks = self.blocks.len() as u128;
        let protected = u128::from(self.write_protected) << 12;
        let csd: u128 = match self.model {
            // READ_BL_LEN 9, C_SIZE_MULT 0: 4 blocks a unit.
            Model::Sd1 => 9 << 80 | (blocks / 4 - 1) << 62,
            _ => 1 << 126 | 9 << 80 | (blocks / 1024 - 1) << 48,
        };
        split(csd | protected)
    }

    fn cid(&self) -> [u32; 4] {
        split(0x0353_4453_5533_3247_8012_3456_7801_6400)
    }

    fn command(&mut self, command: Command) -> Option<[u32; 4]> {
        let app = std::mem::take(&mut self.app);
        let model = self.model;
        let sd = model != Model::Emmc;
        let argument = command.argument;
        let short = |word| Some([word, 0, 0, 0]);
        match (command.index, app) {
            _ if model == Model::None => None,
            (0, _) => {
                self.state = 0;
                short(0)
            }
            (8, _) if model == Model::Sdhc => short(argument),
            (55, _) if sd => {
                self.app = true;
                let status = self.status();
                short(status | 1 << 5)
            }
            (41, true) => short(self.ocr()),
            (1, false) if !sd => short(self.ocr()),
            (2, _) => {
                self.state = 2;
                Some(self.cid())
            }
            (3, _) => {
                self.state = 3;
                short(if sd { 0x1234_0500 } else { self.status() })
            }
            (9, _) => Some(self.csd()),
            (7, _) => {
                self.state = 4;
                short(self.status())
            }
            (6, true) => short(self.status()),
            (6, false) if !sd => short(self.status()),
            (12 | 13 | 16, _) => short(self.status()),
            (32 | 35, _) => {
                self.erase.0 = argument;
                short(self.status())
            }
            (33 | 36, _) => {
                self.erase.1 = argument;
                short(self.status())
            }
            (38, _) => {
                let scale = if model == Model::Sd1 { 512 } else { 1 };
                let (first, last) = (self.erase.0 / scale, self.erase.1 / scale);
                for block in &mut self.blocks[first as usize..=last as usize] {
                    *block = [0xff; 512];
                }
                short(self.status())
            }
            _ => {
                self.illegal = true;
                None
            }
        }
    }

    fn data(&mut self, command: Command, data: Data<'_>) -> Option<()> {
        let app = std::mem::take(&mut self.app);
        let first = if self.model == Model::Sd1 {
            assert_eq!(command.argument % 512, 0);
            command.argument / 512
        } else {
            command.argument
        } as usize;
        match (command.index, app, data) {
            (51, true, Data::Read(buffer)) => {
                // SD_SPEC 2 and SD_SPEC3, or version 1.0; one and four lines.
                let (spec, spec3) = if self.model == Model::Sd1 {
                    (0, 0)
                } else {
                    (2, 0x80)
                };
                buffer.copy_from_slice(&[spec, 0x05, spec3, 0, 0, 0, 0, 0]);
            }
            (6, false, Data::Read(buffer)) if self.model == Model::Sdhc => {
                buffer.fill(0);
                buffer[16] = 1;
            }
            (8, false, Data::Read(buffer)) if self.model == Model::Emmc => {
                buffer.fill(0);
                buffer[212..216]
                    .copy_from_slice(&u32::try_from(self.blocks.len()).unwrap().to_le_bytes());
            }
            (17 | 18, false, Data::Read(buffer)) => {
                for (place, block) in buffer.chunks_mut(512).zip(&self.blocks[first..]) {
                    place.copy_from_slice(block);
                }
            }
            (24 | 25, false, Data::Write(buffer)) => {
                for (block, place) in self.blocks[first..].iter_mut().zip(buffer.chunks(512)) {
                    block.copy_from_slice(place);
                }
            }
            _ => return None,
        }
        Some(())
    }
}

fn split(value: u128) -> [u32; 4] {
    [0, 32, 64, 96].map(|shift| u32::try_from(value >> shift & 0xffff_ffff).unwrap())
}

impl Host for Fake {
    fn name(&self) -> &'static str {
        "fake-mmc"
    }

    fn limit(&self, _buffer: &[u8]) -> usize {
        4 * 512
    }

    fn reset(&mut self) -> Result<(), HostError> {
        self.0.borrow_mut().bus = (Speed::Identification, BusWidth::One);
        Ok(())
    }

    fn width(&self) -> BusWidth {
        BusWidth::Four
    }

    fn set_bus(&mut self, speed: Speed, width: BusWidth) -> Result<(), HostError> {
        self.0.borrow_mut().bus = (speed, width);
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result<[u32; 4], HostError> {
        let mut state = self.0.borrow_mut();
        state
            .log
            .push(format!("CMD{} {:#x}", command.index, command.argument));
        state.hang()?;
        match state.command(command) {
            Some(_) if command.response == Response::None => Ok([0; 4]),
            Some(answer) => Ok(answer),
            None if command.index == 0 => Ok([0; 4]),
            None => Err(HostError::NoResponse),
        }
    }

    fn transfer(
        &mut self,
        command: Command,
        data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        let mut state = self.0.borrow_mut();
        let stop = if stop { "+CMD12" } else { "" };
        state.log.push(format!(
            "CMD{} {:#x} {}x{block_size}{stop}",
            command.index,
            command.argument,
            data.len() / block_size as usize
        ));
        state.hang()?;
        if let (1.., Some(error)) = state.failing {
            state.failing.0 -= 1;
            return Err(error);
        }
        if state.model == Model::None {
            return Err(HostError::NoResponse);
        }
        let status = state.status();
        match state.data(command, data) {
            Some(()) => Ok([status, 0, 0, 0]),
            None => {
                state.illegal = true;
                Err(HostError::NoResponse)
            }
        }
    }

    fn quiesce(&mut self) {}
}
