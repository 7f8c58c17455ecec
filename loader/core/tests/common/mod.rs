//! What the device-tree tests share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "for tests, each of which uses its part; they may panic"
)]

use fdt_rs::{base::DevTree, error::DevTreeError};

/// Opens a blob with fdt-rs, as the composition root does.
pub fn open(blob: &[u8]) -> Result<DevTree<'_>, DevTreeError> {
    // SAFETY: `discover` hands over only blobs that its check accepted, aligned to 4 bytes and
    // not longer than their `totalsize`.
    unsafe { DevTree::new(blob) }
}

/// Puts a blob together token by token, so that a test can break any of them.
#[derive(Clone, Default)]
pub struct Blob {
    structure: Vec<u8>,
    strings: Vec<u8>,
    reservations: Vec<(u64, u64)>,
    /// The strings block comes first, and END is the last word of the blob.
    pub strings_first: bool,
}

/// A header field, by its word.
#[derive(Clone, Copy)]
pub enum Field {
    Magic,
    TotalSize,
    OffStruct,
    OffStrings,
    OffReserve,
    Version,
    LastCompatible,
    BootCpu,
    SizeStrings,
    SizeStruct,
}

impl Blob {
    pub fn word(mut self, word: u32) -> Self {
        self.structure.extend_from_slice(&word.to_be_bytes());
        self
    }

    fn padded(mut self, bytes: &[u8]) -> Self {
        self.structure.extend_from_slice(bytes);
        self.structure
            .resize(self.structure.len().next_multiple_of(4), 0);
        self
    }

    pub fn begin(self, name: &str) -> Self {
        self.word(1).padded(&[name.as_bytes(), &[0]].concat())
    }

    pub fn end(self) -> Self {
        self.word(2)
    }

    pub fn property(mut self, name: &str, value: &[u8]) -> Self {
        let offset = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        let length = u32::try_from(value.len()).unwrap();
        self.word(3).word(length).word(offset).padded(value)
    }

    pub fn cells(self, name: &str, cells: &[u32]) -> Self {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.property(name, &value)
    }

    pub fn text(self, name: &str, text: &str) -> Self {
        self.property(name, &[text.as_bytes(), &[0]].concat())
    }

    pub fn reserve(mut self, address: u64, size: u64) -> Self {
        self.reservations.push((address, size));
        self
    }

    /// The structure block must be whole: this adds nothing to it.
    pub fn raw(self) -> Vec<u8> {
        let mut body = Vec::new();
        for (address, size) in self.reservations.iter().chain([&(0, 0)]) {
            body.extend_from_slice(&address.to_be_bytes());
            body.extend_from_slice(&size.to_be_bytes());
        }
        let reserve_end = 40 + body.len();
        let strings = self.strings.len().next_multiple_of(4);
        let (structure_at, strings_at) = if self.strings_first {
            (reserve_end + strings, reserve_end)
        } else {
            (reserve_end, reserve_end + self.structure.len())
        };
        if self.strings_first {
            body.extend_from_slice(&self.strings);
            body.resize(reserve_end - 40 + strings, 0);
            body.extend_from_slice(&self.structure);
        } else {
            body.extend_from_slice(&self.structure);
            body.extend_from_slice(&self.strings);
        }
        let words = [
            0xd00d_feed,
            40 + body.len(),
            structure_at,
            strings_at,
            40,
            17,
            16,
            0,
            self.strings.len(),
            self.structure.len(),
        ];
        let header = words
            .into_iter()
            .flat_map(|word| u32::try_from(word).unwrap().to_be_bytes());
        header.chain(body).collect()
    }

    /// Adds END.
    pub fn build(self) -> Vec<u8> {
        self.word(9).raw()
    }
}

/// Writes a header field.
pub fn patch(blob: &mut [u8], field: Field, value: u32) {
    let at = field as usize * 4;
    blob[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// A tree with everything that discovery looks at.
pub fn rich() -> Blob {
    Blob::default()
        .reserve(0x4700_0000, 0x1000)
        .begin("")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1])
        .text("model", "A Board")
        .property("compatible", b"vendor,board\0vendor,soc\0")
        .begin("aliases")
        .text("serial0", "/soc/uart@1000")
        .end()
        .begin("chosen")
        .text("stdout-path", "serial0:115200n8")
        .text("bootargs", "quiet")
        .cells("linux,initrd-start", &[0x4800_0000])
        .cells("linux,initrd-end", &[0, 0x4810_0000])
        .end()
        .begin("memory@50000000")
        .text("device_type", "memory")
        .cells("reg", &[0x5000_0000, 0x1000_0000])
        .end()
        .begin("memory@40000000")
        .text("device_type", "memory")
        .cells("reg", &[0x4000_0000, 0x1000_0000, 0x8000_0000, 0])
        .end()
        .begin("reserved-memory")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[1])
        .property("ranges", &[])
        .begin("firmware@4f000000")
        .cells("reg", &[0, 0x4f00_0000, 0x10_0000])
        .property("no-map", &[])
        .end()
        .begin("pool")
        .text("compatible", "shared-dma-pool")
        .cells("size", &[0x100_0000])
        .end()
        .begin("gone@0")
        .cells("reg", &[0, 0, 0x1000])
        .text("status", "disabled")
        .end()
        .end()
        .begin("cpus")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[0])
        .text("enable-method", "psci")
        .begin("cpu@0")
        .text("device_type", "cpu")
        .cells("reg", &[0])
        .end()
        .begin("cpu@1")
        .text("device_type", "cpu")
        .cells("reg", &[0x101])
        .text("enable-method", "spin-table")
        .cells("cpu-release-addr", &[0, 0x4e00_0ff8])
        .end()
        .begin("cpu@2")
        .text("device_type", "cpu")
        .cells("reg", &[2])
        .text("status", "fail")
        .end()
        .end()
        .begin("psci")
        .property("compatible", b"arm,psci-1.0\0arm,psci-0.2\0arm,psci\0")
        .text("method", "smc")
        .end()
        .begin("timer")
        .text("compatible", "arm,armv7-timer")
        .cells("clock-frequency", &[24_000_000])
        .end()
        .begin("soc")
        .text("compatible", "simple-bus")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1])
        .cells(
            "ranges",
            &[0, 0x0100_0000, 0x10_0000, 0x20_0000, 0x0900_0000, 0x1000],
        )
        .property("dma-coherent", &[])
        .begin("uart@1000")
        .property("compatible", b"arm,pl011\0arm,primecell\0")
        .cells("reg", &[0x1000, 0x100, 0x20_0000, 0x10])
        .end()
        .begin("a-device-with-a-name-that-fdt-rs-does-not-read@2000")
        .text("compatible", "vendor,long")
        .cells("reg", &[0x2000, 0x100])
        .begin("child-of-a-long-name")
        .text("compatible", "vendor,child")
        .cells("reg", &[0])
        .end()
        .end()
        .begin("off@3000")
        .text("compatible", "vendor,off")
        .cells("reg", &[0x3000, 0x100])
        .text("status", "disabled")
        .property("ranges", &[])
        .begin("inside-off@0")
        .text("compatible", "vendor,off")
        .cells("reg", &[0, 0, 0])
        .end()
        .end()
        .begin("unmapped@400000")
        .text("compatible", "vendor,unmapped")
        .cells("reg", &[0x40_0000, 0x100])
        .end()
        .end()
        .end()
}
