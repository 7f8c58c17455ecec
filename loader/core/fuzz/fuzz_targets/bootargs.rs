//! A kernel command line from the first stage, with variables for us in it.
#![no_main]

use baton_core::env::{CAPACITY, Environment, split_boot_arguments, validate_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let split = split_boot_arguments(&text);
    for (name, value) in &split.variables {
        assert_eq!(validate_name(name), Ok(()));
        assert!(!value.contains('"'));
    }
    assert!(split.rest.len() <= text.len());
    let again = split_boot_arguments(&split.rest);
    assert!(again.variables.is_empty(), "{:?}", again.variables);
    assert_eq!(again.rest, split.rest);

    let mut environment = Environment::with_defaults();
    let refused = environment.take_boot_arguments(&text).len();
    assert!(environment.size() <= CAPACITY);
    assert!(refused <= split.variables.len() + 1);
    for (name, value) in environment.iter() {
        assert_eq!(validate_name(name), Ok(()));
        assert!(!value.contains('\0'));
        assert_eq!(environment.get(name), Some(value));
    }
});
