//! A virtio disk in memory, for tests: it reads rings and descriptors as a device does.

// The fake trusts the driver it is asked by; on a 64-bit host these casts lose nothing that matters.
#![allow(clippy::cast_possible_truncation)]

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use platform_api::Clock;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::ProbeError;
use super::transport::Bus;

/// How the device treats the next requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Good,
    /// Does not answer.
    Silent,
    /// Answers with this status.
    Status(u8),
    /// Answers with another request's number.
    WrongToken,
}

/// A request as the device saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// 0 reads, 1 writes.
    pub kind: u32,
    /// First sector.
    pub sector: u64,
    /// Bytes in its data segment.
    pub length: usize,
}

/// The device.
pub struct State {
    /// VIRTIO_MMIO version 1.
    pub legacy: bool,
    /// Features it offers.
    pub offered: u64,
    /// Features it was told.
    pub accepted: u64,
    /// Features without which it does not work.
    pub demanded: u64,
    /// Its status register.
    pub status: u32,
    /// Ignores resets.
    pub stuck: bool,
    /// How often it was reset.
    pub resets: usize,
    /// Its sectors.
    pub disk: Vec<u8>,
    /// `capacity` in the configuration, in sectors.
    pub capacity: u64,
    /// `size_max` in the configuration.
    pub size_max: u32,
    /// `blk_size` in the configuration.
    pub blk_size: u32,
    /// Requests so far.
    pub seen: Vec<Seen>,
    /// How it answers.
    pub mood: Mood,
    queue: Option<Queue>,
}

#[derive(Clone, Copy)]
struct Queue {
    size: u16,
    descriptors: u64,
    driver: u64,
    device: u64,
    next: u16,
}

/// Reads `T` at an address that the driver gave.
fn peek<T: Copy>(address: u64) -> T {
    let pointer: *const T = core::ptr::with_exposed_provenance(address as usize);
    // SAFETY: The driver under test gives addresses of live memory; volatile, as DMA is.
    unsafe { pointer.read_volatile() }
}

fn poke<T: Copy>(address: u64, value: T) {
    let pointer: *mut T = core::ptr::with_exposed_provenance_mut(address as usize);
    // SAFETY: As in `peek`.
    unsafe { pointer.write_volatile(value) };
}

impl State {
    /// Tells whether the driver asked for no interrupts.
    pub fn interrupts_suppressed(&self) -> bool {
        peek::<u16>(self.queue.unwrap().driver) == 1
    }

    fn serve(&mut self) {
        let Some(mut queue) = self.queue else {
            return;
        };
        while queue.next != peek::<u16>(queue.driver + 2) {
            let slot = u64::from(queue.next % queue.size);
            let head = peek::<u16>(queue.driver + 4 + 2 * slot);
            queue.next = queue.next.wrapping_add(1);
            if let Some(written) = self.request(queue, head) {
                let wrong = u32::from(self.mood == Mood::WrongToken);
                let index = peek::<u16>(queue.device + 2);
                let element = queue.device + 4 + 8 * u64::from(index % queue.size);
                poke(element, u32::from(head) + wrong);
                poke(element + 4, written);
                poke(queue.device + 2, index.wrapping_add(1));
            }
        }
        self.queue = Some(queue);
    }

    /// Runs the request at descriptor `head`; `None` is no answer.
    fn request(&mut self, queue: Queue, head: u16) -> Option<u32> {
        let descriptor = |index: u16| {
            let at = queue.descriptors + 16 * u64::from(index);
            let flags: u16 = peek(at + 12);
            let next = (flags & 1 != 0).then(|| peek::<u16>(at + 14));
            (peek::<u64>(at), peek::<u32>(at + 8), flags & 2 != 0, next)
        };
        let (header, header_length, header_writable, second) = descriptor(head);
        assert_eq!((header_length, header_writable), (16, false));
        let (data, length, writable, third) = descriptor(second.unwrap());
        let (answer, answer_length, answer_writable, none) = descriptor(third.unwrap());
        assert_eq!((answer_length, answer_writable, none), (1, true, None));

        let (kind, sector) = (peek::<u32>(header), peek::<u64>(header + 8));
        let length = length as usize;
        self.seen.push(Seen {
            kind,
            sector,
            length,
        });
        assert_eq!(writable, kind == 0);
        match self.mood {
            Mood::Silent => return None,
            Mood::Status(status) => poke(answer, status),
            Mood::Good | Mood::WrongToken => {
                let start = sector as usize * 512;
                for (offset, byte) in self.disk[start..start + length].iter_mut().enumerate() {
                    if kind == 0 {
                        poke(data + offset as u64, *byte);
                    } else {
                        *byte = peek(data + offset as u64);
                    }
                }
                poke(answer, 0u8);
            }
        }
        Some(if kind == 0 { length as u32 + 1 } else { 1 })
    }

    fn set_status(&mut self, status: DeviceStatus) {
        if status.is_empty() {
            self.reset();
        } else if status.contains(DeviceStatus::FEATURES_OK)
            && self.accepted & self.demanded != self.demanded
        {
            // The refusal: the write does not take.
        } else {
            self.status = status.bits();
        }
    }

    fn reset(&mut self) {
        if !self.stuck {
            self.status = 0;
            self.queue = None;
            self.resets += 1;
        }
    }

    fn configuration(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.capacity.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.size_max.to_le_bytes());
        bytes[20..].copy_from_slice(&self.blk_size.to_le_bytes());
        bytes
    }
}

/// The device's place; clones are the same place.
#[derive(Clone)]
pub struct FakeBus(Rc<RefCell<State>>);

impl FakeBus {
    /// A disk of `sectors` sectors, all different.
    pub fn new(sectors: usize) -> Self {
        let disk = (0..sectors * 512)
            .map(|at| (at / 512 * 7 + at % 251) as u8)
            .collect();
        Self(Rc::new(RefCell::new(State {
            legacy: false,
            offered: 0,
            accepted: 0,
            demanded: 0,
            status: 0,
            stuck: false,
            resets: 0,
            disk,
            capacity: sectors as u64,
            size_max: 0,
            blk_size: 0,
            seen: Vec::new(),
            mood: Mood::Good,
            queue: None,
        })))
    }

    /// The device itself.
    pub fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }
}

impl Bus for FakeBus {
    type Transport = FakeTransport;

    fn open(&self) -> core::result::Result<FakeTransport, ProbeError> {
        Ok(FakeTransport(self.clone()))
    }

    fn status(&self) -> u32 {
        self.state().status
    }

    fn reset(&self) -> bool {
        self.state().reset();
        self.state().status == 0
    }
}

/// A transport to the device.
pub struct FakeTransport(FakeBus);

impl Transport for FakeTransport {
    fn device_type(&self) -> DeviceType {
        DeviceType::Block
    }

    fn read_device_features(&mut self) -> u64 {
        self.0.state().offered
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        self.0.state().accepted = driver_features;
    }

    fn max_queue_size(&mut self, _queue: u16) -> u32 {
        64
    }

    fn notify(&mut self, _queue: u16) {
        self.0.state().serve();
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_truncate(self.0.state().status)
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.0.state().set_status(status);
    }

    fn set_guest_page_size(&mut self, _guest_page_size: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        self.0.state().legacy
    }

    fn queue_set(
        &mut self,
        _queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver: PhysAddr,
        device: PhysAddr,
    ) {
        self.0.state().queue = Some(Queue {
            size: u16::try_from(size).unwrap(),
            descriptors,
            driver,
            device,
            next: 0,
        });
    }

    fn queue_unset(&mut self, _queue: u16) {
        panic!("the real transport would wait for this without end");
    }

    fn queue_used(&mut self, _queue: u16) -> bool {
        self.0.state().queue.is_some()
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::empty()
    }

    fn read_config_generation(&self) -> u32 {
        0
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        let bytes = self.0.state().configuration();
        Ok(T::read_from_prefix(&bytes[offset..]).unwrap().0)
    }

    fn write_config_space<T: IntoBytes + Immutable>(&mut self, _: usize, _: T) -> Result<()> {
        panic!("nothing is to be configured");
    }
}

impl Drop for FakeTransport {
    fn drop(&mut self) {
        // As the real one does.
        self.0.state().reset();
    }
}

/// A clock that moves when it is looked at.
pub struct StepClock {
    now: Cell<u64>,
    /// Panics when this time has come, as a fault would end the command.
    pub fault_at: Rc<Cell<u64>>,
}

impl StepClock {
    /// A clock of 1 kHz that gains half a second with every look.
    pub fn new() -> Self {
        Self {
            now: Cell::new(0),
            fault_at: Rc::new(Cell::new(u64::MAX)),
        }
    }
}

impl Clock for StepClock {
    fn ticks(&self) -> u64 {
        self.now.set(self.now.get() + 500);
        assert!(self.now.get() < self.fault_at.get(), "a fault");
        self.now.get()
    }

    fn frequency(&self) -> u32 {
        1000
    }
}
