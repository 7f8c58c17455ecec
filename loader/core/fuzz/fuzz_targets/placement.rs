//! Any memory, any kernel, any pieces: what is placed is placed safely.
#![no_main]

use baton_core::{
    boot::{Claim, KernelFacts, MemoryMap, Piece, Placement, Request, place},
    image::zimage::ZImage,
};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use platform_api::{PhysAddr, PhysRange};

/// A range, in pages and the odd byte.
#[derive(Arbitrary, Debug)]
struct Range {
    page: u32,
    pages: u16,
    /// Times `pages`: banks are large, reservations small.
    scale: u8,
    odd: u8,
}

impl Range {
    fn make(&self) -> PhysRange {
        // 33 bits: some of it lies above 4 GiB.
        let start = (u64::from(self.page) & 0x1f_ffff) << 12;
        let size = (u64::from(self.pages) << (12 + self.scale % 8)) + u64::from(self.odd);
        PhysRange::from_size(PhysAddr::new(start), size).expect("no overflow in 64 bits")
    }
}

#[derive(Arbitrary, Debug)]
enum Address {
    Any(u64),
    Page(u32),
}

impl Address {
    fn make(&self) -> PhysAddr {
        match self {
            Self::Any(address) => PhysAddr::new(*address),
            Self::Page(page) => PhysAddr::new((u64::from(*page) & 0x1f_ffff) << 12),
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Initrd {
    Anywhere(u32),
    At(Range),
}

#[derive(Arbitrary, Debug)]
struct Input {
    banks: Vec<Range>,
    reserved: Vec<Range>,
    loader: Vec<Range>,
    given: Vec<Range>,
    length: u32,
    beyond: u32,
    start: Option<u32>,
    inflated: Option<u32>,
    bss: u32,
    text_offset: Option<u32>,
    malloc: Option<u32>,
    /// Right shifts: small numbers, as kernels have them.
    shifts: [u8; 5],
    kernel_at: Option<Address>,
    initrd: Option<Initrd>,
    tree_size: u32,
}

impl Input {
    fn kernel(&self) -> KernelFacts {
        let [length, beyond, inflated, bss, text] = self.shifts;
        let less = |number: u32, shift: u8| number >> (shift % 32);
        KernelFacts::from(&ZImage {
            length: less(self.length, length),
            start: self.start.unwrap_or(0),
            beyond: less(self.beyond, beyond),
            inflated: self.inflated.map(|size| less(size, inflated)),
            bss: less(self.bss, bss),
            text_offset: self.text_offset.map(|offset| less(offset, text)),
            malloc: self.malloc,
            big_endian: false,
        })
    }
}

fn claims(ranges: &[Range], owner: &str) -> Vec<Claim> {
    let claim = |range: &Range| Claim {
        range: range.make(),
        owner: owner.into(),
    };
    ranges.iter().take(16).map(claim).collect()
}

/// What must be true of every placement.
fn check(request: &Request<'_>, placed: &Placement) {
    let map = request.map;
    let held: Vec<PhysRange> = [&map.reserved, &map.loader, &request.reserved.to_vec()]
        .into_iter()
        .flatten()
        .map(|claim| claim.range)
        .collect();
    let kernel = [Some(placed.image), Some(placed.footprint), placed.inflated];
    let others = [Some(placed.tree), placed.initrd];
    for piece in kernel.iter().chain(&others).flatten() {
        assert!(map.is_ram(*piece), "{piece} is not RAM");
        assert!(piece.end().as_u64() <= 1 << 32, "{piece} above 4 GiB");
        for held in &held {
            assert!(!held.overlaps(*piece), "{piece} is somebody's: {held}");
        }
    }
    for piece in kernel.iter().flatten() {
        for other in others.iter().flatten() {
            assert!(!piece.overlaps(*other), "{piece} and {other} overlap");
        }
    }
    let initrd = placed.initrd.unwrap_or_default();
    assert!(!placed.tree.overlaps(initrd), "{initrd} and the tree");
    assert!(placed.footprint.contains_range(placed.image));
    let overwritten = placed.inflated.is_some_and(|writes| {
        writes.overlaps(placed.image) && writes.start() > placed.image.start()
    });
    assert!(!overwritten || placed.relocates, "overwrites its own image");

    assert_eq!(placed.image.size(), request.kernel.length);
    assert_eq!(placed.tree.size(), request.tree_size.max(1));
    assert!(placed.tree.start().is_aligned(8));
    if let Some(at) = request.kernel_at.or(request.kernel.fixed) {
        assert_eq!(placed.image.start(), at);
    }
    match request.initrd {
        None | Some(Piece::Anywhere(0)) => assert_eq!(placed.initrd, None),
        Some(Piece::Anywhere(size)) => assert_eq!(initrd.size(), size),
        Some(Piece::At(range)) => assert_eq!(placed.initrd, Some(range)),
    }
}

fuzz_target!(|input: Input| {
    let banks = input.banks.iter().take(8).map(Range::make).collect();
    let map = MemoryMap::new(
        banks,
        claims(&input.reserved, "reserved"),
        claims(&input.loader, "the loader"),
    );
    let given = claims(&input.given, "given");
    let request = Request {
        map: &map,
        reserved: &given,
        kernel: input.kernel(),
        kernel_at: input.kernel_at.as_ref().map(Address::make),
        initrd: input.initrd.as_ref().map(|initrd| match initrd {
            Initrd::Anywhere(size) => Piece::Anywhere(u64::from(*size)),
            Initrd::At(range) => Piece::At(range.make()),
        }),
        tree_size: u64::from(input.tree_size) & 0x1f_ffff,
    };
    match place(&request) {
        Ok(placed) => check(&request, &placed),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
