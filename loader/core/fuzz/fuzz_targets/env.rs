//! Variables in a row, text or binary, and a saved copy of them; from memory by `env import`, too.
#![no_main]

use baton_core::{
    env::{
        CAPACITY, Environment,
        linear::{self, Form, Row},
        saved::{self, Copy},
        validate_name,
    },
    shell,
};
use baton_fuzz::machine::Bench;
use libfuzzer_sys::fuzz_target;

fn check(environment: &Environment) {
    assert!(environment.size() <= CAPACITY);
    for (name, value) in environment.iter() {
        assert_eq!(validate_name(name), Ok(()));
        assert!(!value.contains('\0'));
    }
    // An empty value removes when it is read, a comment sign begins a comment.
    let plain = |(name, value): &(&str, &str)| !value.is_empty() && !name.starts_with('#');
    for form in [Form::Text, Form::Binary] {
        let row = linear::export(environment.iter().filter(plain), form);
        let mut again = Environment::default();
        for entry in Row::new(&row, form, false) {
            let (name, value) = entry.expect("what was written can be read");
            again.set(&name, &value.expect("a value"));
        }
        assert!(again.iter().eq(environment.iter().filter(plain)));
    }
}

fuzz_target!(|data: &[u8]| {
    for (form, crlf) in [
        (Form::Text, false),
        (Form::Text, true),
        (Form::Binary, false),
    ] {
        let mut environment = Environment::with_defaults();
        let row = Row::new(data, form, crlf);
        for error in linear::import(&mut environment, row, &mut |_| true) {
            assert!(!error.to_string().is_empty());
        }
        check(&environment);
    }
    match Copy::decode(data) {
        Ok(copy) => assert!(copy.row().count() <= saved::SIZE),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // The same as the data of a copy, which its checksum is right for.
    let mut copy = crc32fast::hash(data).to_le_bytes().to_vec();
    copy.push(1);
    copy.extend(data);
    copy.resize(saved::SIZE, 0);
    let crc = crc32fast::hash(&copy[saved::HEADER..]).to_le_bytes();
    copy[..4].copy_from_slice(&crc);
    let read = Copy::decode(&copy).expect("a good copy");
    for entry in read.row() {
        drop(entry);
    }
    let size = data.len();
    Bench::loaded(data).run(0, |cx| {
        let line = format!(
            "env import -t 40080000 {size:x}; env import -d -b 40080000; env import -t 40080000; \
             env export -t 40100000; env grep a; env print -a"
        );
        shell::execute(cx, &line);
    });
});
