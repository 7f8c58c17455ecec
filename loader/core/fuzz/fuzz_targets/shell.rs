//! A script: parsed, printed, parsed again, and executed on a machine of fakes.
#![no_main]

use baton_core::shell;
use baton_fuzz::{machine::Bench, samples};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    match shell::parse(&text) {
        Err(error) => {
            assert!(error.to_string().starts_with("syntax error at line "));
            assert_eq!(shell::is_incomplete(&text), error.is_open());
        }
        // Quotes may print longer than they were, so long texts need not fit again.
        Ok(list) if text.len() < 4096 => {
            // The first print may lack empty quotes that the second has: `"$a$b"`.
            let first = list.to_string();
            let second = shell::parse(&first).map(|list| list.to_string());
            let second = second.expect("a printed tree parses");
            let third = shell::parse(&second).map(|list| list.to_string());
            assert_eq!(third.as_deref(), Ok(second.as_str()));
        }
        Ok(_) => {}
    }
    Bench::new(samples::card()).run(0, |cx| {
        shell::execute(cx, &text);
    });
});
