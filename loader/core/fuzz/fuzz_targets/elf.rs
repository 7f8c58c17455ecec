//! An executable for `bootelf`: its headers, and the command.
#![no_main]

use baton_core::{image::elf, shell};
use baton_fuzz::machine::Bench;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(image) = elf::parse(data) {
        let mut entered = false;
        for (index, segment) in image.segments.iter().enumerate() {
            let file = u64::from(segment.offset) + u64::from(segment.filesz);
            assert!(file <= data.len() as u64, "{segment:?} is not in the file");
            assert!(segment.filesz <= segment.memsz && segment.memsz > 0);
            let end = segment.paddr.checked_add(segment.memsz).expect("no wrap");
            for other in &image.segments[index + 1..] {
                let apart = end <= other.paddr || other.paddr + other.memsz <= segment.paddr;
                assert!(apart, "{segment:?} and {other:?} overlap");
            }
            let code = segment.paddr..segment.paddr + segment.filesz;
            entered |= segment.executable && code.contains(&image.entry);
        }
        assert!(entered, "the entry is no code");
        assert_eq!(image.entry % 4, 0);
    }
    let mut bench = Bench::loaded(data);
    bench.run(data.len(), |cx| {
        shell::execute(cx, "bootelf 40080000");
        assert_eq!(cx.status, 1, "bootelf came back with success");
    });
});
