//! A script: parsed, and executed on a machine of fakes.
#![no_main]

use baton_core::shell;
use baton_fuzz::{machine::Bench, samples};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = shell::parse(&text) {
        assert!(error.to_string().starts_with("syntax error at line "));
    }
    Bench::new(samples::card()).run(0, |cx| {
        shell::execute(cx, &text);
    });
});
