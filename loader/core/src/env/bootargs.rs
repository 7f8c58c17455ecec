//! Variables on the kernel's command line: `baton.NAME=VALUE`.

use alloc::{string::String, vec::Vec};

use super::validate_name;

/// A command line, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootArguments {
    /// The variables, in the order they were given, quotes removed.
    pub variables: Vec<(String, String)>,
    /// Everything else as it was, quotes and all, one blank between two arguments.
    pub rest: String,
}

/// Takes the `baton.NAME=VALUE` arguments out of a kernel command line. Double quotes group
/// as they do for the kernel: around the value, any part of it, or the whole argument.
///
/// An argument without `=`, or whose NAME cannot name a variable, is none of ours and stays.
pub fn split_boot_arguments(text: &str) -> BootArguments {
    let mut result = BootArguments::default();
    for argument in Arguments(text) {
        match variable(argument) {
            Some(found) => result.variables.push(found),
            None => {
                if !result.rest.is_empty() {
                    result.rest.push(' ');
                }
                result.rest.push_str(argument);
            }
        }
    }
    result
}

fn variable(argument: &str) -> Option<(String, String)> {
    let bare = argument.strip_prefix('"').unwrap_or(argument);
    let (name, value) = bare.strip_prefix("baton.")?.split_once('=')?;
    validate_name(name).ok()?;
    let value = value.chars().filter(|found| *found != '"').collect();
    Some((name.into(), value))
}

/// Iterates over arguments separated by blanks outside quotes.
struct Arguments<'a>(&'a str);

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_ascii_start();
        let mut quoted = false;
        let end = text.bytes().position(|byte| {
            quoted ^= byte == b'"';
            !quoted && byte.is_ascii_whitespace()
        });
        let (argument, rest) = text
            .split_at_checked(end.unwrap_or(text.len()))
            .unwrap_or((text, ""));
        self.0 = rest;
        (!argument.is_empty()).then_some(argument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn split(text: &str) -> (Vec<(String, String)>, String) {
        let BootArguments { variables, rest } = split_boot_arguments(text);
        (variables, rest)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn takes_ours_and_leaves_theirs() {
        assert_eq!(
            split(
                "console=ttyAMA0 baton.bootdelay=0  root=/dev/vda baton.bootcmd=\"bootz a\" quiet"
            ),
            (
                vec![pair("bootdelay", "0"), pair("bootcmd", "bootz a")],
                "console=ttyAMA0 root=/dev/vda quiet".into()
            )
        );
        assert_eq!(
            split("\"baton.x=a b\" baton.y=a=\"b c\"d"),
            (vec![pair("x", "a b"), pair("y", "a=b cd")], "".into())
        );
    }

    #[test]
    fn keeps_what_is_not_a_variable() {
        for text in [
            "baton.x",
            "baton.=1",
            "xbaton.a=1",
            "a=\"baton.x=1 b\"",
            "baton=1",
        ] {
            assert_eq!(split(text), (vec![], text.into()));
        }
        assert_eq!(split("  \t"), (vec![], "".into()));
        assert_eq!(split("baton.x=\"a b"), (vec![pair("x", "a b")], "".into()));
        assert_eq!(split("baton.x="), (vec![pair("x", "")], "".into()));
    }

    proptest! {
        #[test]
        fn never_panics_and_is_idempotent(text in "[ab.=\" \\tbaton\u{e9}]{0,60}") {
            let once = split_boot_arguments(&text);
            let twice = split_boot_arguments(&once.rest);
            prop_assert!(twice.variables.is_empty());
            prop_assert_eq!(twice.rest, once.rest);
        }
    }
}
