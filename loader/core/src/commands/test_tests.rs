use super::*;
use alloc::{format, vec, vec::Vec};

fn value(expression: &str) -> Result<bool, CommandError> {
    let words: Vec<&str> = expression
        .split(' ')
        .map(|word| word.trim_matches('\''))
        .collect();
    evaluate(&words, &mut |volume, path| {
        Ok(path == format!("{}-{}", volume.interface, volume.device))
    })
}

/// Statuses of U-Boot 2023.01, asked on QEMU's virt, but for those marked.
#[test]
fn every_operator() {
    for (expression, expected) in [
        ("a = a", true),
        ("a = b", false),
        ("a != a", false),
        ("a != b", true),
        ("a < b", true),
        ("b < a", false),
        ("a < a", false),
        ("b > a", true),
        ("a > b", false),
        ("ab < b", true),
        ("10 -eq 0xa", true),
        ("010 -eq 8", true),
        ("010 -eq 10", false),
        ("0x10 -eq 16", true),
        ("0XaB -eq 171", true),
        ("12abc -eq 12", true),
        ("09 -eq 0", true),
        ("x -eq 0", true),
        ("1 -ne 2", true),
        ("1 -ne 1", false),
        ("-5 -lt 3", true),
        ("3 -lt 3", false),
        ("3 -le 3", true),
        ("4 -le 3", false),
        ("4 -gt 3", true),
        ("3 -gt 3", false),
        ("3 -ge 3", true),
        ("2 -ge 3", false),
        // Ours: numbers have 64 bits. On 32-bit U-Boot this one is negative.
        ("0x80000000 -gt 1", true),
        ("-n a", true),
        ("-n ''", false),
        ("-z ''", true),
        ("-z a", false),
        ("-e if dev if-dev", true),
        ("-e if dev other", false),
        // Ours, and newer U-Boot's.
        ("a == a", true),
        ("a == b", false),
        ("imx6q-board =~ ^imx6[qd]+-", true),
        ("imx7-board =~ ^imx6", false),
    ] {
        assert_eq!(value(expression).ok(), Some(expected), "{expression}");
        let not = format!("! {expression}");
        assert_eq!(value(&not).ok(), Some(!expected), "{not}");
        let twice = format!("! ! {expression}");
        assert_eq!(value(&twice).ok(), Some(expected), "{twice}");
    }
}

#[test]
fn joins_from_left_to_right() {
    let truth = |value| if value { "a = a" } else { "a = b" };
    for first in [false, true] {
        for second in [false, true] {
            for (joint, expected) in [("-a", first && second), ("-o", first || second)] {
                let text = format!("{} {joint} {}", truth(first), truth(second));
                assert_eq!(value(&text).ok(), Some(expected), "{text}");
                let text = format!("! {} {joint} ! {}", truth(!first), truth(!second));
                assert_eq!(value(&text).ok(), Some(expected), "{text}");
            }
        }
    }
    // `-a` does not bind tighter.
    assert_eq!(value("a = b -o b = b -a c = d").ok(), Some(false));
    assert_eq!(value("1 -eq 1 -a 2 -eq 2 -a 3 -eq 4").ok(), Some(false));
    assert_eq!(value("-n '' -o -n a").ok(), Some(true));
}

#[test]
fn what_is_no_expression_is_as_in_uboot() {
    for (expression, expected) in [
        ("a", false),
        ("-z", false),
        ("-a", false),
        // An unset variable has left these; they have always been true.
        ("= bar", true),
        ("5 -eq", true),
        ("-e virtio 0:1", true),
        ("a b", true),
        ("a = a -o", true),
        ("a = a b", true),
    ] {
        assert_eq!(value(expression).ok(), Some(expected), "{expression}");
    }
    let none: Vec<&str> = vec![];
    assert!(!evaluate(&none, &mut |_, _| Ok(true)).unwrap());
}

#[test]
fn names_a_bad_pattern() {
    let error = value("a =~ [").unwrap_err();
    assert_eq!(
        format!("{error}"),
        "Error compiling regex: No closing ']' bracket"
    );
}
