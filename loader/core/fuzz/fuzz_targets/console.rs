//! Bytes typed at the prompt: line editor, history, completion, Ctrl-C, and what lines do.
#![no_main]

use baton_core::console::Session;
use baton_fuzz::{machine::Bench, samples};
use libfuzzer_sys::fuzz_target;

/// Looks at the keyboard: more than there are bytes in any input.
const POLLS: usize = 64;

fuzz_target!(|data: &[u8]| {
    let mut bench = Bench::new(samples::card()).typed(data);
    bench.run(0, |cx| {
        let mut session = Session::default();
        for _ in 0..POLLS {
            session.poll(cx);
        }
        cx.shell.reset();
    });
});
