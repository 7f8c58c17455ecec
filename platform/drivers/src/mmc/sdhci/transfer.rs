//! Data, by one of three ways.

use platform_api::{Clock, DataCache};

use super::{Sdhci, Way, registers::*};
use crate::mmc::{
    Bus, Command, Data, HostError,
    bus::{drain, fill},
    dma::publish,
    host::wait,
};

/// Bytes a descriptor moves (its 16 bits could say 65,535), and descriptors: 8 MiB in a command.
pub(super) const PIECE: usize = 0x8000;
pub(super) const DESCRIPTORS: usize = 256;
/// Descriptor (SDHC, "ADMA2"): valid, the last, its data are to be moved; the length is above.
const VALID: u32 = 1 << 0;
const END: u32 = 1 << 1;
const MOVE: u32 = 2 << 4;

/// Where SDMA stops.
pub(super) const BOUNDARY: usize = 512 << 10;

/// How long data may make no progress, and a byte at the slowest, microseconds.
const DATA_US: u64 = 1_000_000;
const BYTES_PER_US: u64 = 1;

/// Freescale's WATERMARK: words in the buffer at which it can be read, and written, and words in
/// a burst on the bus (WTMK_LVL in NXP's driver).
const fn watermark(words: u32, burst: u32) -> u32 {
    (burst << 8 | words) << 16 | burst << 8 | words
}
/// As many words as a block has, at the most.
const MOST_WORDS: u32 = 128;

impl<B: Bus, C: Clock, D: DataCache> Sdhci<B, C, D> {
    /// Sends a command and moves its data.
    pub(super) fn exchange(
        &mut self,
        command: Command,
        mut data: Data<'_>,
        block_size: u32,
        stop: bool,
    ) -> Result<[u32; 4], HostError> {
        let length = data.len();
        let count = u32::try_from(length).unwrap_or(u32::MAX) / block_size.max(1);
        let mut mode = COUNT_BLOCKS;
        for (bit, set) in [
            (MANY_BLOCKS, count > 1),
            (FROM_CARD, matches!(data, Data::Read(_))),
            (AUTO_STOP, stop),
            (BY_DMA, self.way != Way::Port),
        ] {
            if set {
                mode |= bit;
            }
        }
        if self.way == Way::Port {
            self.prepare(count, block_size);
            self.issue(command, Some(mode))?;
            self.port.interrupt(COMMAND_DONE, DATA_US)?;
            let answer = self.answer(command.response);
            self.through_port(data, block_size)?;
            self.port.interrupt(TRANSFER_DONE, DATA_US)?;
            return Ok(answer);
        }
        // The buffer of the path is lent out meanwhile; the rest of the driver is only read.
        let mut path = self.path.take();
        let moved = path.as_mut().and_then(|path| {
            path.run(&mut data, |cache, address| {
                self.by_dma(cache, (address, length), (count, block_size), command, mode)
            })
        });
        self.path = path;
        moved.unwrap_or(Err(HostError::Dma(0)))
    }

    /// Tells the controller what is to come.
    fn prepare(&self, count: u32, block_size: u32) {
        let port = &self.port;
        let mut select = 0;
        let mut boundary = BOUNDARY_512K;
        if port.variant.usdhc {
            boundary = 0;
            let words = match self.way {
                Way::Port => watermark((block_size / 4).clamp(1, MOST_WORDS), 8),
                _ => watermark(64, 16),
            };
            port.set(WATERMARK, words);
        }
        if self.way == Way::Adma2 {
            select = if port.variant.usdhc {
                USDHC_ADMA2
            } else {
                ADMA2
            };
        }
        self.apply_control(select);
        port.set(BLOCKS, count << 16 | boundary | block_size & 0xfff);
    }

    fn by_dma(
        &mut self,
        cache: &D,
        (address, length): (usize, usize),
        (count, block_size): (u32, u32),
        command: Command,
        mode: u32,
    ) -> Result<[u32; 4], HostError> {
        let reach = |address| self.port.bus.bus_address(address);
        let start = reach(address).ok_or(HostError::Dma(0))?;
        if self.way == Way::Adma2 {
            let list = reach(self.descriptors.as_ptr().expose_provenance());
            self.chain(cache, start, length)?;
            self.port.set(ADMA_ADDRESS, list.ok_or(HostError::Dma(0))?);
        } else {
            // Before the number of blocks (SDHC, "Using SDMA"): afterwards it may mean "go on".
            self.port.set(SYSTEM_ADDRESS, start);
        }
        self.prepare(count, block_size);
        self.issue(command, Some(mode))?;
        self.port.interrupt(COMMAND_DONE, DATA_US)?;
        let answer = self.answer(command.response);
        self.follow(start, length)?;
        Ok(answer)
    }

    /// Fills the chain of descriptors, and writes it to memory.
    fn chain(&mut self, cache: &D, start: u32, length: usize) -> Result<(), HostError> {
        let pieces = length.div_ceil(PIECE);
        let chain = self
            .descriptors
            .get_mut(..pieces)
            .ok_or(HostError::Dma(0))?;
        for (index, descriptor) in chain.iter_mut().enumerate() {
            let offset = index * PIECE;
            let size = PIECE.min(length - offset);
            let last = if index + 1 == pieces { END } else { 0 };
            let word = |value: usize| u32::try_from(value).map_err(|_| HostError::Dma(0));
            let address = start.checked_add(word(offset)?);
            *descriptor = [
                word(size)? << 16 | MOVE | VALID | last,
                address.ok_or(HostError::Dma(0))?,
            ];
        }
        publish(cache, chain);
        Ok(())
    }

    /// Waits for the end; where SDMA stops at a boundary, tells it to go on behind.
    fn follow(&self, start: u32, length: usize) -> Result<(), HostError> {
        let port = &self.port;
        let limit = DATA_US + length as u64 / BYTES_PER_US;
        let mut next = usize::try_from(start).unwrap_or(0);
        let end = next.saturating_add(length);
        loop {
            let stops = if self.way == Way::Sdma {
                DMA_STOPPED
            } else {
                0
            };
            let shown = port.interrupt(TRANSFER_DONE | stops, limit)?;
            if shown & TRANSFER_DONE != 0 {
                return Ok(());
            }
            port.set(INTERRUPTS, DMA_STOPPED);
            next = (next / BOUNDARY + 1) * BOUNDARY;
            // Freescale's says so at the end, too, and stops nowhere.
            if next < end {
                port.set(SYSTEM_ADDRESS, u32::try_from(next).unwrap_or(0));
            }
        }
    }

    fn through_port(&self, data: Data<'_>, block_size: u32) -> Result<(), HostError> {
        let size = usize::try_from(block_size).unwrap_or(0).max(1);
        match data {
            Data::Read(buffer) => {
                for block in buffer.chunks_mut(size) {
                    self.ready(CAN_READ)?;
                    fill(block, || self.port.get(DATA));
                }
            }
            Data::Write(buffer) => {
                for block in buffer.chunks(size) {
                    self.ready(CAN_WRITE)?;
                    // Not one of the registers that lose what comes too fast.
                    drain(block, |word| self.port.bus.set(DATA, word));
                }
            }
        }
        Ok(())
    }

    /// Waits until a block can be moved.
    fn ready(&self, bit: u32) -> Result<(), HostError> {
        let port = &self.port;
        let failed = || port.get(INTERRUPTS) & ERRORS;
        let result = wait(&port.clock, DATA_US, || {
            port.get(STATE) & bit != 0 || failed() != 0
        });
        match failed() {
            0 => result.map_err(|_| HostError::DataTimeout),
            errors => Err(port.named(errors)),
        }
    }
}
