#![expect(clippy::cast_possible_truncation, reason = "small numbers of our own")]

use proptest::prelude::*;

use super::*;

/// Writes a flattened tree: just enough of `dtc`.
#[derive(Default)]
struct Writer {
    structure: Vec<u8>,
    strings: Vec<u8>,
    reservations: Vec<u8>,
}

impl Writer {
    fn word(&mut self, word: u32) -> &mut Self {
        self.structure.extend(word.to_be_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.structure.extend(bytes);
        self.structure
            .resize(self.structure.len().next_multiple_of(4), 0);
        self
    }

    fn begin(&mut self, name: &str) -> &mut Self {
        let name = format!("{name}\0");
        self.word(BEGIN_NODE).bytes(name.as_bytes())
    }

    fn end(&mut self) -> &mut Self {
        self.word(END_NODE)
    }

    fn property(&mut self, name: &str, value: &[u8]) -> &mut Self {
        let offset = self.strings.len() as u32;
        self.strings.extend(format!("{name}\0").bytes());
        self.word(PROPERTY)
            .word(value.len() as u32)
            .word(offset)
            .bytes(value)
    }

    fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.property(name, format!("{value}\0").as_bytes())
    }

    fn cells(&mut self, name: &str, cells: &[u32]) -> &mut Self {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.property(name, &value)
    }

    fn reserve(&mut self, start: u64, size: u64) -> &mut Self {
        self.reservations.extend(start.to_be_bytes());
        self.reservations.extend(size.to_be_bytes());
        self
    }

    fn finish(&mut self) -> Vec<u8> {
        self.word(END).reserve(0, 0);
        let structure = 40 + self.reservations.len();
        let strings = structure + self.structure.len();
        let total = strings + self.strings.len();
        let header = [
            MAGIC as usize,
            total,
            structure,
            strings,
            40,
            17,
            16,
            3,
            self.strings.len(),
            self.structure.len(),
        ];
        let mut blob: Vec<u8> = header
            .iter()
            .flat_map(|word| (*word as u32).to_be_bytes())
            .collect();
        blob.extend(&self.reservations);
        blob.extend(&self.structure);
        blob.extend(&self.strings);
        blob
    }
}

/// A board with everything the witness looks for, devices behind two buses.
fn board() -> Vec<u8> {
    let mut tree = Writer::default();
    tree.reserve(0x4700_0000, 0x1000);
    tree.begin("")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2]);
    tree.begin("chosen")
        .text("bootargs", "console=ttyAMA0 report.then=halt")
        .text("stdout-path", "serial0:115200n8")
        .cells("linux,initrd-start", &[0x4a00_0000])
        .cells("linux,initrd-end", &[0, 0x4a10_0000])
        .cells("rng-seed", &[1, 2, 3, 4])
        .end();
    tree.begin("aliases")
        .text("serial0", "/soc/uart@1000")
        .end();
    tree.begin("memory@40000000")
        .text("device_type", "memory")
        .cells("reg", &[0, 0x4000_0000, 0, 0x1000_0000, 8, 0, 1, 0])
        .end();
    tree.begin("reserved-memory")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .cells("ranges", &[]);
    tree.begin("pool@4f000000")
        .cells("reg", &[0, 0x4f00_0000, 0, 0x1000])
        .end();
    tree.begin("somewhere")
        .cells("size", &[0, 0x1000])
        .end()
        .end();
    tree.begin("cpus")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[0]);
    for (name, reg) in [("cpu@0", 0), ("cpu@101", 0x101)] {
        tree.begin(name)
            .text("device_type", "cpu")
            .cells("reg", &[reg])
            .end();
    }
    tree.end();
    tree.begin("psci")
        .property("compatible", b"arm,psci-1.0\0arm,psci-0.2\0");
    tree.text("method", "smc").end();
    tree.begin("soc")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1])
        // 0x1000.. of the bus lies at 0x9000000.., and 0x8000.. at 0x8000000..
        .cells(
            "ranges",
            &[
                0x1000, 0, 0x900_0000, 0x1000, 0x8000, 0, 0x800_0000, 0x4_0000,
            ],
        );
    for (name, reg) in [("uart@0", 0), ("uart@1800", 0x1800), ("uart@1000", 0x1000)] {
        tree.begin(name)
            .text("compatible", "arm,pl011")
            .cells("reg", &[reg, 0x100])
            .end();
    }
    tree.begin("gic@8000")
        .text("compatible", "arm,cortex-a15-gic")
        .cells("reg", &[0x8000, 0x1000, 0xa000, 0x1000, 0xc000, 0x1000]);
    tree.end();
    tree.begin("inner")
        .cells("ranges", &[])
        .cells("#address-cells", &[1]);
    tree.begin("virtio@1e00")
        .text("compatible", "virtio,mmio")
        .cells("reg", &[0x1e00, 0x200])
        .end();
    tree.begin("virtio@1c00")
        .text("compatible", "virtio,mmio")
        .text("status", "disabled")
        .cells("reg", &[0x1c00, 0x200]);
    tree.end().end().end().end();
    tree.finish()
}

#[test]
fn the_facts_of_a_board_are_gathered() {
    let blob = board();
    let facts = TreeFacts::gather(&Tree::new(&blob).unwrap()).unwrap();
    assert_eq!(facts.size as usize, blob.len());
    assert_eq!(facts.boot_cpu, 3);
    assert_eq!(
        facts.memory.as_slice(),
        [
            Range::sized(0x4000_0000, 0x1000_0000),
            Range::sized(0x8_0000_0000, 0x1_0000_0000)
        ]
    );
    assert_eq!(
        facts.reservations.as_slice(),
        [Range::sized(0x4700_0000, 0x1000)]
    );
    assert_eq!(
        facts.reserved_memory.as_slice(),
        [Range::sized(0x4f00_0000, 0x1000)]
    );
    assert_eq!(facts.cpus.as_slice(), [0, 0x101]);
    assert_eq!(facts.bootargs, Some("console=ttyAMA0 report.then=halt"));
    assert_eq!(facts.initrd(), Some(Range::sized(0x4a00_0000, 0x10_0000)));
    assert!(facts.seeded);
    assert_eq!(facts.psci, Some(Conduit::Smc));
}

#[test]
fn devices_are_found_where_their_buses_put_them() {
    let blob = board();
    let facts = TreeFacts::gather(&Tree::new(&blob).unwrap()).unwrap();
    // uart@0 is on no range of the bus, uart@1800 is not the console.
    assert_eq!(facts.uart, Some(Uart::Pl011(0x900_0000)));
    assert!(facts.uart_is_stdout);
    assert_eq!(facts.virtio.as_slice(), [0x900_0e00]);
    let gic = Gic::V2 {
        distributor: 0x800_0000,
        cpu: 0x800_2000,
        hypervisor: Some(0x800_4000),
    };
    assert_eq!(facts.gic, Some(gic));
}

#[test]
fn a_gic_v3_keeps_its_region_of_redistributors() {
    let mut tree = Writer::default();
    tree.begin("");
    tree.begin("gic")
        .text("compatible", "arm,gic-v3")
        .cells("reg", &[0, 0x800_0000, 0x1_0000, 0, 0x80a_0000, 0xf6_0000]);
    let blob = tree.end().end().finish();
    let facts = TreeFacts::gather(&Tree::new(&blob).unwrap()).unwrap();
    let gic = Gic::V3 {
        distributor: 0x800_0000,
        redistributors: Range::sized(0x80a_0000, 0xf6_0000),
    };
    assert_eq!(facts.gic, Some(gic));
}

#[test]
fn more_than_there_is_room_for_is_an_error() {
    let mut tree = Writer::default();
    for _ in 0..17 {
        tree.reserve(1, 1);
    }
    let blob = tree.begin("").end().finish();
    let facts = TreeFacts::gather(&Tree::new(&blob).unwrap());
    assert_eq!(facts.unwrap_err(), TreeError::TooMany);
}

/// Replaces the word at an offset of the header.
fn with_header(offset: usize, word: u32) -> Vec<u8> {
    let mut blob = board();
    blob[offset..offset + 4].copy_from_slice(&word.to_be_bytes());
    blob
}

#[test]
fn a_broken_header_is_named() {
    let error = |blob: &[u8]| Tree::new(blob).unwrap_err();
    let length = board().len() as u32;
    assert_eq!(error(&[]), TreeError::Magic(0));
    assert_eq!(
        error(&with_header(0, 0xedfe_0dd0)),
        TreeError::Magic(0xedfe_0dd0)
    );
    assert_eq!(
        error(&with_header(4, length + 1)),
        TreeError::Size(length + 1)
    );
    assert_eq!(error(&with_header(4, 8)), TreeError::Block(40));
    assert_eq!(error(&with_header(20, 3)), TreeError::Version(3));
    assert_eq!(error(&with_header(24, 18)), TreeError::Version(17));
    assert_eq!(error(&with_header(8, length)), TreeError::Block(length));
    assert_eq!(error(&with_header(8, 42)), TreeError::Block(42));
    assert_eq!(error(&with_header(36, u32::MAX)), TreeError::Block(72));
    assert_eq!(
        error(&with_header(16, length & !7)),
        TreeError::Reservations
    );
}

#[test]
fn a_broken_structure_is_named_by_its_offset() {
    let error = |tree: &mut Writer| Tree::new(&tree.finish()).unwrap_err();
    let structure = TreeError::Structure;
    assert_eq!(error(Writer::default().begin("")), structure(8));
    assert_eq!(error(Writer::default().end()), structure(0));
    assert_eq!(error(&mut Writer::default()), structure(0));
    assert_eq!(error(Writer::default().text("a", "b")), structure(0));
    let two_roots = &mut Writer::default();
    assert_eq!(
        error(two_roots.begin("").end().begin("").end()),
        structure(24)
    );
    assert_eq!(error(Writer::default().begin("").word(7)), structure(8));
    let deep = &mut Writer::default();
    for _ in 0..17 {
        deep.begin("");
    }
    assert_eq!(error(deep), structure(16 * 8));
}

proptest! {
    /// Whatever a loader did to the tree, reading it ends, without a panic.
    #[test]
    fn a_mutant_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut blob = board();
        for (index, byte) in changes {
            let index = index.index(blob.len());
            blob[index] = byte;
        }
        if cut {
            blob.truncate(length.index(blob.len()));
        }
        if let Ok(tree) = Tree::new(&blob) {
            let _ = TreeFacts::gather(&tree);
        }
    }
}

#[test]
fn another_command_line_leaves_the_rest_as_it_was() {
    let blob = board();
    let tree = Tree::new(&blob).unwrap();
    let mut before = TreeFacts::gather(&tree).unwrap();
    for text in ["", "a", "abc", "abcd", &"long ".repeat(100)] {
        let mut out = vec![0xff; blob.len() + 600];
        let written = tree.with_bootargs(text, &mut out).unwrap();
        let edited = Tree::new(written).unwrap();
        let mut after = TreeFacts::gather(&edited).unwrap();
        assert_eq!(after.bootargs, Some(text));
        assert_eq!(edited.size() as usize, written.len());
        assert_eq!(edited.boot_cpu(), tree.boot_cpu());
        (before.bootargs, after.bootargs) = (None, None);
        (before.size, after.size) = (0, 0);
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }
    assert_eq!(tree.with_bootargs("x", &mut [0; 100]), None);
}

proptest! {
    #[test]
    fn no_buffer_and_no_tree_makes_the_edit_panic(
        size in 0_usize..2000, place in 0_usize..400, byte in any::<u8>(), text in ".{0,40}",
    ) {
        let mut blob = board();
        blob[place] = byte;
        if let Ok(tree) = Tree::new(&blob) {
            let mut out = vec![0; size];
            if let Some(written) = tree.with_bootargs(&text, &mut out) {
                prop_assert!(Tree::new(written).is_ok());
            }
        }
    }
}
