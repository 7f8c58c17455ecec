//! Virtio disks (virtio 1.2, 5.2).
//!
//! A transfer is one request with one data segment, however large the buffer: the device writes
//! into the caller's memory and nothing is copied.
//!
//! ## Waiting
//! A completed request shows in the used ring, so waiting is looking there. The loop is a load,
//! a compare and YIELD; the clock is read only every [`POLLS`] rounds. YIELD matters: under a
//! single-threaded emulator it gives the processor to whoever completes the request, which
//! saves the rounds one would otherwise spin. WFI would save them all but needs the interrupt
//! controller set up and torn down, and WFE needs an event stream that the payload must not
//! inherit.

use alloc::boxed::Box;
use core::mem;

use platform_api::{BlockDevice, BlockError, BlockInfo, Clock};
use virtio_drivers::device::blk::{BlkReq, BlkResp, RespStatus, SECTOR_SIZE, VirtIOBlk};
use virtio_drivers::transport::{DeviceStatus, Transport};

use super::heap::Heap;
use super::transport::{BLK_SIZE, Bus, Filter, SIZE_MAX};
use super::{ProbeError, Slot};

/// A disk behind the MMIO transport.
pub type VirtioBlock<C> = Disk<Slot, C>;

type Device<B> = VirtIOBlk<Heap, Filter<<B as Bus>::Transport>>;

/// Seconds a request may take.
const TIMEOUT_S: u64 = 5;
/// Rounds between two looks at the clock.
const POLLS: u32 = 256;
/// The most one request moves, so that [`TIMEOUT_S`] holds for slow disks. A power of two.
const MAX_REQUEST: usize = 64 << 20;
/// Offsets of `size_max` and `blk_size` in the configuration (5.2.4).
const CONFIG_SIZE_MAX: usize = 8;
const CONFIG_BLK_SIZE: usize = 20;
/// Status of a request that the device left without one: `virtio-drivers`' initial value.
const STATUS_NONE: u32 = 3;
/// Status of a request that the device could not be given: beyond any the standard has.
const STATUS_UNUSABLE: u32 = 0x100;

/// A virtio disk.
pub struct Disk<B: Bus, C: Clock> {
    bus: B,
    clock: C,
    info: BlockInfo,
    /// The most bytes in a request: a multiple of the block size.
    max_request: usize,
    /// `None` after a reset; the next request starts the device anew.
    device: Option<Device<B>>,
    /// What a request points at besides the data. On the heap, since the device may still write
    /// to it if a fault takes the stack away from under a request.
    slip: Box<Slip>,
    /// A request was handed to the device and not taken back.
    in_flight: bool,
}

/// Header and status of a request.
#[derive(Default)]
struct Slip {
    request: BlkReq,
    response: BlkResp,
}

/// How a request failed.
#[derive(Clone, Copy)]
enum Failure {
    /// No answer in this many ticks.
    Timeout(u64),
    /// The device's status, or one of ours.
    Status(u32),
}

impl<B: Bus, C: Clock> Disk<B, C> {
    /// Starts the device on `bus`.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn new(bus: B, clock: C) -> Result<Self, ProbeError> {
        let (info, max_request) = {
            let mut transport = bus.open()?;
            transport.set_status(DeviceStatus::empty());
            transport.set_status(DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER);
            limits(&mut transport)?
        };
        let mut disk = Self {
            bus,
            clock,
            info,
            max_request,
            device: None,
            slip: Box::default(),
            in_flight: false,
        };
        let device = start(&disk.bus)?;
        let sectors_per_block = u64::from(info.block_size) / SECTOR_SIZE as u64;
        // A sector's number is a `usize` in `virtio-drivers`: 2 TiB on 32 bits.
        let sectors = device.capacity().min((usize::MAX as u64).saturating_add(1));
        disk.info.blocks = sectors / sectors_per_block;
        disk.info.read_only = device.readonly();
        disk.device = Some(device);
        Ok(disk)
    }

    /// Returns where the device is. The bus of a [`VirtioBlock`] is a copyable [`Slot`] that
    /// can stop the device when the disk itself is out of reach.
    pub fn bus(&self) -> &B {
        &self.bus
    }

    /// Resets the device, so that it touches no memory any more. Frees nothing and needs no
    /// heap. The next request starts the device anew.
    pub fn quiesce(&mut self) {
        self.bus.reset();
        // The ring of the old device is left where it is: a handoff is no time to free it.
        mem::forget(self.device.take());
        self.in_flight = false;
    }

    /// Resets the device after a request that will not be answered.
    fn abandon(&mut self) {
        let confirmed = self.bus.reset();
        match self.device.take() {
            // The device is silent: its ring can go.
            Some(device) if confirmed => drop(device),
            // It may still write to its ring.
            device => mem::forget(device),
        }
        self.in_flight = false;
    }

    /// Runs one request: `submit` hands it to the device and returns its token, `complete`
    /// takes it back.
    fn run(
        &mut self,
        submit: impl FnOnce(&mut Device<B>, &mut Slip) -> virtio_drivers::Result<u16>,
        complete: impl FnOnce(&mut Device<B>, &mut Slip, u16) -> virtio_drivers::Result<()>,
    ) -> Result<(), Failure> {
        if self.in_flight {
            self.abandon();
        }
        let device = match &mut self.device {
            Some(device) => device,
            none => none.insert(start(&self.bus).map_err(|_| Failure::Status(STATUS_UNUSABLE))?),
        };
        self.in_flight = true;
        self.slip.response = BlkResp::default();
        let result = submit(device, &mut self.slip)
            .map_err(|_| Failure::Status(STATUS_UNUSABLE))
            .and_then(|token| {
                wait(device, &self.clock, token)?;
                // The status is in the slip; an error here repeats it.
                match complete(device, &mut self.slip, token) {
                    Err(virtio_drivers::Error::WrongToken) => Err(Failure::Status(STATUS_UNUSABLE)),
                    _ => Ok(()),
                }
            });
        match result {
            Ok(()) => {
                self.in_flight = false;
                match status(&self.slip.response) {
                    0 => Ok(()),
                    status => Err(Failure::Status(status)),
                }
            }
            Err(failure) => {
                self.abandon();
                Err(failure)
            }
        }
    }

    /// Reads one request's worth.
    fn read(&mut self, sector: usize, chunk: &mut [u8]) -> Result<(), Failure> {
        let data: *mut [u8] = chunk;
        self.run(
            // SAFETY: `run` does not return before the request is completed or the device is
            // reset; until then only the device uses the slip and the chunk, which the caller
            // lends.
            |device, slip| unsafe {
                device.read_blocks_nb(sector, &mut slip.request, &mut *data, &mut slip.response)
            },
            // SAFETY: These are the buffers of the request.
            |device, slip, token| unsafe {
                device.complete_read_blocks(token, &slip.request, &mut *data, &mut slip.response)
            },
        )
    }

    /// Writes one request's worth.
    fn write(&mut self, sector: usize, chunk: &[u8]) -> Result<(), Failure> {
        self.run(
            // SAFETY: As in `read`; the device only reads the chunk.
            |device, slip| unsafe {
                device.write_blocks_nb(sector, &mut slip.request, chunk, &mut slip.response)
            },
            // SAFETY: These are the buffers of the request.
            |device, slip, token| unsafe {
                device.complete_write_blocks(token, &slip.request, chunk, &mut slip.response)
            },
        )
    }

    /// Returns the sector that `offset` bytes from block `first` lie in.
    fn sector(&self, first: u64, offset: usize) -> Result<usize, Failure> {
        let byte = u128::from(first) * u128::from(self.info.block_size) + offset as u128;
        usize::try_from(byte / SECTOR_SIZE as u128).map_err(|_| Failure::Status(STATUS_UNUSABLE))
    }

    fn error(&self, first: u64, offset: usize, failure: Failure) -> BlockError {
        let first = first + offset as u64 / u64::from(self.info.block_size);
        match failure {
            Failure::Status(status) => BlockError::Device { first, status },
            Failure::Timeout(ticks) => BlockError::Timeout {
                first,
                waited_us: ticks.saturating_mul(1_000_000) / u64::from(self.clock.frequency()),
            },
        }
    }
}

impl<B: Bus, C: Clock> BlockDevice for Disk<B, C> {
    fn info(&self) -> BlockInfo {
        self.info
    }

    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        BlockError::check(self.info, first, buffer.len())?;
        let mut offset = 0;
        for chunk in buffer.chunks_mut(self.max_request) {
            self.sector(first, offset)
                .and_then(|sector| self.read(sector, chunk))
                .map_err(|failure| self.error(first, offset, failure))?;
            offset += chunk.len();
        }
        Ok(())
    }

    fn write_blocks(&mut self, first: u64, buffer: &[u8]) -> Result<(), BlockError> {
        BlockError::check(self.info, first, buffer.len())?;
        if self.info.read_only {
            return Err(BlockError::ReadOnly);
        }
        let mut offset = 0;
        for chunk in buffer.chunks(self.max_request) {
            self.sector(first, offset)
                .and_then(|sector| self.write(sector, chunk))
                .map_err(|failure| self.error(first, offset, failure))?;
            offset += chunk.len();
        }
        Ok(())
    }
}

/// Reads what the device says about blocks and segments. `seg_max` needs no look: a request has
/// one data segment, and there is no device that takes none.
fn limits<T: Transport>(transport: &mut T) -> Result<(BlockInfo, usize), ProbeError> {
    let features = transport.read_device_features();
    let block_size = if features & BLK_SIZE != 0 {
        transport.read_config_space::<u32>(CONFIG_BLK_SIZE)?
    } else {
        512
    };
    if !block_size.is_power_of_two() || !(512..=0x1_0000).contains(&block_size) {
        return Err(ProbeError::BlockSize(block_size));
    }
    let mut max_request = MAX_REQUEST;
    if features & SIZE_MAX != 0 {
        let size_max: u32 = transport.read_config_space(CONFIG_SIZE_MAX)?;
        let whole_blocks = size_max & !(block_size - 1);
        if whole_blocks == 0 {
            return Err(ProbeError::SegmentSize(size_max));
        }
        max_request = max_request.min(usize::try_from(whole_blocks).unwrap_or(MAX_REQUEST));
    }
    let info = BlockInfo {
        block_size,
        blocks: 0,
        read_only: false,
    };
    Ok((info, max_request))
}

/// Resets and starts the device.
fn start<B: Bus>(bus: &B) -> Result<Device<B>, ProbeError> {
    let mut transport = bus.open()?;
    let features = transport.read_device_features();
    let legacy = transport.requires_legacy_layout();
    let mut device = Device::<B>::new(Filter::new(transport, features))?;
    // `virtio-drivers` does not look whether the device took the features (3.1.1, step 6). A
    // legacy device has no say in that, and need not keep the bit.
    let wanted = if legacy {
        DeviceStatus::DRIVER_OK
    } else {
        DeviceStatus::DRIVER_OK | DeviceStatus::FEATURES_OK
    };
    let broken = DeviceStatus::FAILED | DeviceStatus::DEVICE_NEEDS_RESET;
    let status = bus.status();
    let found = DeviceStatus::from_bits_truncate(status);
    if !found.contains(wanted) || found.intersects(broken) {
        return Err(ProbeError::FeaturesRefused { status });
    }
    // Nobody serves interrupts, and none may be pending after a handoff.
    device.disable_interrupts();
    Ok(device)
}

/// Waits until the device has used the request `token`.
fn wait<T: Transport>(
    device: &mut VirtIOBlk<Heap, T>,
    clock: &impl Clock,
    token: u16,
) -> Result<(), Failure> {
    let limit = u64::from(clock.frequency()) * TIMEOUT_S;
    let start = clock.ticks();
    let mut waited = 0;
    loop {
        for _ in 0..POLLS {
            match device.peek_used() {
                None => core::hint::spin_loop(),
                Some(used) if used == token => return Ok(()),
                Some(_) => return Err(Failure::Status(STATUS_UNUSABLE)),
            }
        }
        // Looked at after the rounds, so that a processor that was stopped for long still
        // polls once more before it gives up.
        if waited > limit {
            return Err(Failure::Timeout(waited));
        }
        waited = clock.ticks().wrapping_sub(start);
    }
}

/// The device's answer, as the standard numbers it (5.2.6).
fn status(response: &BlkResp) -> u32 {
    match response.status() {
        RespStatus::OK => 0,
        RespStatus::IO_ERR => 1,
        RespStatus::UNSUPPORTED => 2,
        _ => STATUS_NONE,
    }
}
