//! A zImage: its header, whatever part of it was read already, and `bootz` of it.
#![no_main]

use baton_core::{
    image::zimage::{self, HEADER_SIZE, ZImage, ZImageError},
    shell,
    storage::FatError,
};
use baton_fuzz::machine::Bench;
use libfuzzer_sys::fuzz_target;

const PIECE: u64 = 512;

/// Reads the header with `known` bytes at hand; after `reads` fetches the disk fails.
fn parse(data: &[u8], known: usize, reads: usize) -> Result<ZImage, ZImageError> {
    let mut left = reads;
    let mut fetch = |offset: u64, buffer: &mut [u8]| {
        let length = buffer.len() as u64;
        assert!(
            offset / PIECE == (offset + length - 1) / PIECE,
            "two blocks"
        );
        let start = usize::try_from(offset).expect("an offset");
        buffer.copy_from_slice(&data[start..start + buffer.len()]);
        left = left.checked_sub(1).ok_or(FatError::BadStart(1))?;
        Ok(())
    };
    zimage::parse(
        &data[..known.min(data.len())],
        data.len() as u64,
        &mut fetch,
    )
}

fuzz_target!(|data: &[u8]| {
    let whole = parse(data, data.len(), 0);
    for known in [HEADER_SIZE, zimage::HEAD_SIZE] {
        assert_eq!(parse(data, known, usize::MAX), whole, "{known} bytes known");
    }
    for reads in 0..3 {
        match parse(data, HEADER_SIZE, reads) {
            Err(ZImageError::Read(_)) => {}
            other => assert_eq!(other, whole, "after {reads} reads"),
        }
    }
    if let Ok(image) = &whole {
        assert!(image.length as usize <= data.len());
        assert!(image.length as usize > HEADER_SIZE);
        let run_time = image.inflated.unwrap_or(0).checked_add(image.bss);
        assert!(run_time.is_some());
    }
    let mut bench = Bench::loaded(data);
    bench.run(data.len(), |cx| {
        shell::execute(cx, "bootz -n 40080000; bootz 40080000 40070000:20");
        assert_eq!(cx.status, 1, "bootz came back with success");
    });
});
