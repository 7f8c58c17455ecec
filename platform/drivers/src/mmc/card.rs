//! A card as a block device.

use platform_api::{BlockDevice, BlockError, BlockInfo, CardFacts, Clock};
use sdio_host::common_cmd;

use super::{
    Command, Data, Host, HostError, MmcError, Response,
    identify::{Identity, identify},
};

/// Bytes in a block: every card's for transfers.
const BLOCK: usize = 512;
const BLOCK_SIZE: u32 = 512;
/// How often a transfer is tried.
const TRIES: u32 = 3;
/// How long a card may be busy writing or erasing (SD 4.6.2.2: 500 ms for SDXC; cards take
/// more).
const BUSY_US: u64 = 2_000_000;
/// Status: the errors of R1 (SD table 4-42): bits 31 to 19, without 25, the card is locked, and
/// 20 and 19, which are general. 16: the CSD was overwritten; 15: a protected block was skipped.
pub(super) const STATUS_ERRORS: u32 = 0xfdf9_8000;
/// Status: the card takes data.
const STATUS_READY: u32 = 1 << 8;
/// Status: the state field says "transfer" (4 << 9).
const STATE_MASK: u32 = 0xf << 9;
const STATE_TRANSFER: u32 = 4 << 9;

/// How long a slot may take to be identified, however long each of its steps may: a good card is up
/// within a second (SD 4.2.3) and done soon after. The start waits for this, at each slot.
const IDENTIFY_US: u64 = 2_000_000;

/// A host and the time.
pub(super) struct Link<H, C> {
    pub host: H,
    pub clock: C,
    /// When no more commands are sent, in microseconds: while a card is identified.
    deadline_us: u64,
}

impl<H: Host, C: Clock> Link<H, C> {
    /// Sends a command without data; R1's errors become ours.
    pub fn send(&mut self, command: Command) -> Result<[u32; 4], MmcError> {
        let index = command.index;
        if self.deadline_us != u64::MAX && self.clock.microseconds() > self.deadline_us {
            let error = HostError::Stuck(IDENTIFY_US);
            return Err(MmcError::Host { index, error });
        }
        let answer = self
            .host
            .command(command)
            .map_err(|error| MmcError::Host { index, error })?;
        let [status, ..] = answer;
        // CMD3's and CMD8's short answers are no status.
        let is_status = matches!(command.response, Response::Short | Response::ShortBusy)
            && !matches!(index, 3 | 8);
        if is_status && status & STATUS_ERRORS != 0 {
            return Err(MmcError::Status { index, status });
        }
        Ok(answer)
    }

    /// Asks for the card's status until it is back in the transfer state, and returns it.
    pub fn ready(&mut self, address: u32) -> Result<u32, MmcError> {
        let command = Command {
            index: 13,
            argument: address,
            response: Response::Short,
        };
        let start = self.clock.microseconds();
        loop {
            let [status, ..] = self.send(command)?;
            if status & STATUS_READY != 0 && status & STATE_MASK == STATE_TRANSFER {
                return Ok(status);
            }
            let waited_us = self.clock.microseconds().saturating_sub(start);
            if waited_us > BUSY_US {
                return Err(MmcError::Busy { waited_us });
            }
        }
    }
}

/// A card slot. The card in it is identified by [`Card::rescan`](BlockDevice::rescan); without
/// one every transfer fails with [`BlockError::NoMedium`], or with what went wrong then.
pub struct Card<H, C> {
    link: Link<H, C>,
    identity: Option<Identity>,
    /// Why there is no identity.
    failure: MmcError,
}

impl<H: Host, C: Clock> Card<H, C> {
    /// Takes a slot and identifies what is in it now.
    pub fn new(host: H, clock: C) -> Self {
        let mut card = Self {
            link: Link {
                host,
                clock,
                deadline_us: u64::MAX,
            },
            identity: None,
            failure: MmcError::NoCard,
        };
        // What went wrong is kept, and told when somebody wants the card.
        let _ = card.identify();
        card
    }

    /// Returns why there is no card, if there is none.
    pub fn failure(&self) -> Option<MmcError> {
        self.identity.is_none().then_some(self.failure)
    }

    fn identify(&mut self) -> Result<(), MmcError> {
        self.identity = None;
        self.link.deadline_us = self.link.clock.microseconds().saturating_add(IDENTIFY_US);
        let found = identify(&mut self.link);
        self.link.deadline_us = u64::MAX;
        match found {
            Ok(identity) => {
                self.identity = Some(identity);
                Ok(())
            }
            Err(error) => {
                self.failure = error;
                Err(error)
            }
        }
    }

    /// Returns what the card is, or why there is none.
    fn identified(&self, first: u64) -> Result<Identity, BlockError> {
        self.identity.ok_or(named(self.failure, first, 0))
    }

    /// Moves blocks, a piece at a time that the host can take.
    fn pieces<'b>(
        &mut self,
        first: u64,
        pieces: impl Iterator<Item = Data<'b>>,
    ) -> Result<(), BlockError> {
        let identity = self.identified(first)?;
        let mut block = first;
        for mut data in pieces {
            let blocks = (data.len() / BLOCK) as u64;
            self.piece(&identity, block, &mut data)?;
            block += blocks;
        }
        Ok(())
    }

    fn piece(
        &mut self,
        identity: &Identity,
        block: u64,
        data: &mut Data<'_>,
    ) -> Result<(), BlockError> {
        let start = self.link.clock.microseconds();
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(error) = self.attempt(identity, block, data) else {
                return Ok(());
            };
            let recovered = self.recover(identity);
            if recovered.is_err() {
                // Gone, or another one: nothing more is done to it until somebody asks.
                self.identity = None;
                self.failure = MmcError::NoCard;
                return Err(BlockError::NoMedium);
            }
            if tries == TRIES {
                let waited_us = self.link.clock.microseconds().saturating_sub(start);
                return Err(named(error, block, waited_us));
            }
        }
    }

    fn attempt(
        &mut self,
        identity: &Identity,
        block: u64,
        data: &mut Data<'_>,
    ) -> Result<(), MmcError> {
        let many = data.len() > BLOCK;
        let place = if identity.by_block {
            block
        } else {
            block.saturating_mul(BLOCK as u64)
        };
        // Checked against the capacity, which such an address reaches, before.
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let (command, writes) = match data {
            Data::Read(_) if many => (common_cmd::read_multiple_blocks(place), false),
            Data::Read(_) => (common_cmd::read_single_block(place), false),
            Data::Write(_) if many => (common_cmd::write_multiple_blocks(place), true),
            Data::Write(_) => (common_cmd::write_single_block(place), true),
        };
        let command = Command::new(command);
        let again = match data {
            Data::Read(buffer) => Data::Read(buffer),
            Data::Write(buffer) => Data::Write(buffer),
        };
        let [status, ..] = self
            .link
            .host
            .transfer(command, again, BLOCK_SIZE, many)
            .map_err(|error| MmcError::Host {
                index: command.index,
                error,
            })?;
        if status & STATUS_ERRORS != 0 {
            return Err(MmcError::Status {
                index: command.index,
                status,
            });
        }
        if writes {
            self.link.ready(identity.address)?;
        }
        Ok(())
    }

    /// Brings a card that failed a transfer back to the transfer state.
    fn recover(&mut self, identity: &Identity) -> Result<(), MmcError> {
        // Not answered by a card that was done already.
        let stop = Command::new(common_cmd::stop_transmission()).answered(Response::ShortBusy);
        let _ = self.link.host.command(stop);
        match self.link.ready(identity.address) {
            // The errors of what failed are shown once, and gone.
            Err(MmcError::Status { .. }) => self.link.ready(identity.address).map(drop),
            other => other.map(drop),
        }
    }

    /// Stops the controller before a handoff.
    pub fn quiesce(&mut self) {
        self.link.host.quiesce();
    }
}

/// Says an error in a block device's terms.
fn named(error: MmcError, first: u64, waited_us: u64) -> BlockError {
    match error {
        // What the host itself waited, where nobody else has looked at the clock.
        MmcError::Host {
            error: HostError::Stuck(us),
            ..
        } => BlockError::Timeout {
            first,
            waited_us: waited_us.max(us),
        },
        MmcError::Busy { waited_us: us } => BlockError::Timeout {
            first,
            waited_us: waited_us.max(us),
        },
        MmcError::Host {
            error: HostError::DataTimeout,
            ..
        } => BlockError::Timeout { first, waited_us },
        MmcError::Host {
            error: HostError::DataCrc | HostError::ResponseCrc,
            ..
        } => BlockError::Crc { first },
        MmcError::Status { status, .. } => BlockError::Device { first, status },
        MmcError::Host { .. } | MmcError::Voltage(_) | MmcError::Capacity => {
            BlockError::Device { first, status: 0 }
        }
        MmcError::NoCard => BlockError::NoMedium,
    }
}

impl<H: Host, C: Clock> BlockDevice for Card<H, C> {
    fn info(&self) -> BlockInfo {
        BlockInfo {
            block_size: BLOCK_SIZE,
            blocks: self.identity.map_or(0, |identity| identity.blocks),
            read_only: self.identity.is_some_and(|identity| identity.read_only),
        }
    }

    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        self.identified(first)?;
        BlockError::check(self.info(), first, buffer.len())?;
        let limit = self.link.host.limit(buffer);
        self.pieces(first, buffer.chunks_mut(limit).map(Data::Read))
    }

    fn write_blocks(&mut self, first: u64, buffer: &[u8]) -> Result<(), BlockError> {
        self.identified(first)?;
        BlockError::check(self.info(), first, buffer.len())?;
        if self.info().read_only {
            return Err(BlockError::ReadOnly);
        }
        let limit = self.link.host.limit(buffer);
        self.pieces(first, buffer.chunks(limit).map(Data::Write))
    }

    fn erase_blocks(&mut self, first: u64, count: u64) -> Result<(), BlockError> {
        let identity = self.identified(first)?;
        let info = self.info();
        let out_of_range = BlockError::OutOfRange {
            first,
            count,
            blocks: info.blocks,
        };
        let last = first.checked_add(count).ok_or(out_of_range)?;
        if last > info.blocks {
            return Err(out_of_range);
        }
        if info.read_only {
            return Err(BlockError::ReadOnly);
        }
        let Some(last) = last.checked_sub(1).filter(|_| count > 0) else {
            return Ok(());
        };
        let is_mmc = identity.facts.kind == platform_api::CardKind::Mmc;
        // SD 4.3.5; MMC has numbers of its own for the ends (eMMC 6.6.9).
        let (start, end) = if is_mmc { (35, 36) } else { (32, 33) };
        let scale = if identity.by_block { 1 } else { BLOCK as u64 };
        let place = |block: u64| u32::try_from(block.saturating_mul(scale)).unwrap_or(u32::MAX);
        let begin = self.link.clock.microseconds();
        let commands = [
            (start, place(first), Response::Short),
            (end, place(last), Response::Short),
            (38, 0, Response::ShortBusy),
        ];
        let result = commands
            .iter()
            .try_for_each(|&(index, argument, response)| {
                self.link
                    .send(Command {
                        index,
                        argument,
                        response,
                    })
                    .map(drop)
            });
        result
            .and_then(|()| self.link.ready(identity.address).map(drop))
            .map_err(|error| {
                let waited_us = self.link.clock.microseconds().saturating_sub(begin);
                named(error, first, waited_us)
            })
    }

    fn rescan(&mut self) -> Result<(), BlockError> {
        self.identify().map_err(|error| named(error, 0, 0))
    }

    fn card(&self) -> Option<CardFacts> {
        self.identity.map(|identity| identity.facts)
    }
}
