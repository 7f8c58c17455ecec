//! A linked ELF: what mkzimage makes of it, the loader reads and the entry code can apply.
#![no_main]

use baton_core::image::zimage;
use libfuzzer_sys::fuzz_target;
use mkzimage::{make, relocate};

/// Where docs/image-format.md has the offset of the relocation table.
const TABLE: usize = 0x64;

fuzz_target!(|data: &[u8]| {
    let Ok(image) = make(data) else {
        return;
    };
    let bytes = &image.bytes;
    let length = bytes.len() as u64;
    let header =
        zimage::parse(bytes, length, &mut |_, _| unreachable!("all is known")).expect("a zImage");
    assert_eq!(u64::from(header.length), length);
    assert_eq!(u64::from(image.summary.file), length);
    assert!(image.summary.runtime >= image.summary.file);

    let start = bytes[TABLE..]
        .first_chunk()
        .map(|word| u32::from_le_bytes(*word));
    let start = usize::try_from(start.expect("a word")).expect("an offset");
    let table = bytes[start..].to_vec();
    let mut moved = bytes.clone();
    relocate(&mut moved, &table, 0, 0x4020_0000).expect("a table that can be applied");
    relocate(&mut moved, &table, 0x4020_0000, 0).expect("and once more");
    assert_eq!(&moved, bytes, "there and back again");
});
