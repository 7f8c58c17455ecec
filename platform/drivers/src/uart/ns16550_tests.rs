use platform_api::{PhysAddr, PhysRange, RegisterLayout};

use super::*;

/// Memory posing as the registers, from the device's side. Leaked: it is in use by address.
#[derive(Clone, Copy)]
struct Fake {
    base: usize,
    shift: u32,
    bytes: bool,
}

impl Fake {
    fn new(shift: u32, bytes: bool) -> Self {
        let page: &'static mut [u64; 128] = Box::leak(Box::new([0; 128]));
        let fake = Self {
            base: page.as_mut_ptr().expose_provenance(),
            shift,
            bytes,
        };
        fake.set(LINE_STATUS, TRANSMIT_EMPTY | TRANSMITTER_IDLE);
        fake
    }

    fn set(self, register: usize, value: u32) {
        let address = self.base + (register << self.shift);
        // SAFETY: the page is leaked, and the register lies inside, aligned to its width.
        unsafe { crate::mmio::write(address, value, self.bytes) }
    }

    fn get(self, register: usize) -> u32 {
        let address = self.base + (register << self.shift);
        // SAFETY: as in `set`.
        unsafe { crate::mmio::read(address, self.bytes) }
    }

    fn probe(
        self,
        compatible: &str,
        layout: RegisterLayout,
        size: u64,
    ) -> Result<Ns16550, ProbeError> {
        let start = PhysAddr::new(self.base as u64);
        let node = DeviceNode {
            path: "/serial",
            compatible: &[compatible],
            reg: &[PhysRange::from_size(start, size).unwrap()],
            layout,
            ..DeviceNode::default()
        };
        // SAFETY: the page is leaked and accessed as volatile only.
        unsafe { probe(&node) }
    }

    fn words(self) -> Ns16550 {
        let layout = RegisterLayout {
            shift: Some(2),
            io_width: Some(4),
            offset: 0,
        };
        self.probe("snps,dw-apb-uart", layout, 0x400).unwrap()
    }
}

#[test]
fn words_and_bytes_and_every_shift() {
    for (shift, width) in [(0, 1), (2, 4), (2, 1), (4, 4)] {
        let fake = Fake::new(shift, width == 1);
        let layout = RegisterLayout {
            shift: Some(shift),
            io_width: Some(width),
            offset: 0,
        };
        let mut port = fake.probe("ns16550a", layout, 0x400).unwrap();
        Console::write(&mut port, b"ab");
        assert_eq!(fake.get(DATA), u32::from(b'b'), "{shift} {width}");
        fake.set(LINE_STATUS, DATA_READY);
        fake.set(DATA, u32::from(b'x'));
        assert_eq!(port.read_ready(), Ok(true));
        assert_eq!(Console::read(&mut port), Some(b'x'));
    }
}

#[test]
fn the_bcm2835_needs_no_properties() {
    let fake = Fake::new(2, false);
    let mut port = fake
        .probe("brcm,bcm2835-aux-uart", RegisterLayout::default(), 0x40)
        .unwrap();
    Console::write(&mut port, b"z");
    assert_eq!(fake.get(DATA), u32::from(b'z'));
}

#[test]
fn the_divisor_is_put_away_and_the_frame_kept() {
    let fake = Fake::new(2, false);
    fake.set(LINE_CONTROL, DIVISOR_LATCH | 0x03);
    fake.words();
    assert_eq!(fake.get(LINE_CONTROL), 0x03);
}

#[test]
fn a_line_in_error_is_not_waited_for() {
    let fake = Fake::new(2, false);
    let mut port = fake.words();
    for error in [1 << 2, 1 << 3, 1 << 4] {
        fake.set(LINE_STATUS, DATA_READY | error);
        assert_eq!(Console::read(&mut port), None);
    }
    // An overrun lost others: this one is whole.
    fake.set(LINE_STATUS, DATA_READY | 1 << 1);
    fake.set(DATA, u32::from(b'y'));
    assert_eq!(Console::read(&mut port), Some(b'y'));
}

#[test]
fn what_does_not_fit_is_named() {
    let fake = Fake::new(2, false);
    let layout = |shift, io_width, offset| RegisterLayout {
        shift: Some(shift),
        io_width: Some(io_width),
        offset,
    };
    let error = |layout, size| fake.probe("ns16550a", layout, size).unwrap_err();
    assert_eq!(
        error(layout(5, 1, 0), 0x400),
        ProbeError::Layout {
            shift: 5,
            io_width: 1
        }
    );
    assert_eq!(
        error(layout(0, 4, 0), 0x400),
        ProbeError::Layout {
            shift: 0,
            io_width: 4
        }
    );
    assert_eq!(
        error(layout(2, 2, 0), 0x400).to_string(),
        "registers of 2 bytes at a shift of 2 are not supported"
    );
    assert!(matches!(
        error(layout(2, 4, 0), 0x10),
        ProbeError::Window(WindowError::TooSmall { need: 0x18, .. })
    ));
    assert!(matches!(
        error(layout(2, 4, u32::MAX), 0x400),
        ProbeError::Window(WindowError::TooSmall { .. })
    ));
    assert!(matches!(
        error(layout(2, 4, 2), 0x400),
        ProbeError::Window(WindowError::Unaddressable(_))
    ));
}

#[test]
fn the_raw_description_waits_for_the_last_bit() {
    let raw = Fake::new(2, false).words().raw();
    assert!(raw.is_idle(TRANSMIT_EMPTY | TRANSMITTER_IDLE | DATA_READY));
    assert!(!raw.is_idle(TRANSMIT_EMPTY));
    assert_eq!(raw.wait & RawUart::BYTES, 0);
}
