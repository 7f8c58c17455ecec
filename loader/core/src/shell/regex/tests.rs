use super::*;
use alloc::{string::String, vec::Vec};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn found<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let captures = Regex::new(pattern).unwrap().find(text, 0)?;
    let texts = captures
        .iter()
        .flatten()
        .map(|(start, end)| &text[*start..*end]);
    Some(texts.collect())
}

#[test]
fn every_operator() {
    for (pattern, text, expected) in [
        ("b", "abc", Some(&["b"][..])),
        ("x", "abc", None),
        ("", "abc", Some(&[""])),
        ("^b", "abc", None),
        ("^a", "abc", Some(&["a"])),
        ("b$", "abc", None),
        ("c$", "abc", Some(&["c"])),
        ("^$", "", Some(&[""])),
        ("a.c", "xabcx", Some(&["abc"])),
        ("a.c", "ac", None),
        ("[bc]+", "abcbd", Some(&["bcb"])),
        ("[^ab]", "abc", Some(&["c"])),
        ("[a-f0-9]+", "xyz12efg", Some(&["12ef"])),
        ("[a-]+", "x-a-", Some(&["-a-"])),
        ("[\\]]", "a]", Some(&["]"])),
        ("[\\d.]+", "v1.2-3", Some(&["1.2"])),
        ("\\s\\S", "a b", Some(&[" b"])),
        ("\\d+", "mmc12", Some(&["12"])),
        ("\\.", "a.b", Some(&["."])),
        ("a\\tb", "a\tb", Some(&["a\tb"])),
        ("ab*", "abbb", Some(&["abbb"])),
        ("ab*?", "abbb", Some(&["a"])),
        ("ab+", "a", None),
        ("ab+?", "abbb", Some(&["ab"])),
        ("ab?c", "ac", Some(&["ac"])),
        ("a*?$", "aaa", Some(&["aaa"])),
        ("cat|dog", "hotdog", Some(&["dog"])),
        ("a|ab", "ab", Some(&["a"])),
        ("|a", "a", Some(&[""])),
        ("(a|b)c", "bc", Some(&["bc", "b"])),
        ("(a)(b)?", "ac", Some(&["a", "a"])),
        (
            "(.*)-(.*)",
            "imx6-board-rev",
            Some(&["imx6-board-rev", "imx6-board", "rev"]),
        ),
        (
            "(.*?)-(.*)",
            "imx6-board-rev",
            Some(&["imx6-board-rev", "imx6", "board-rev"]),
        ),
        ("(a*)*", "aab", Some(&["aa", "aa"])),
        ("(a*)+b", "aab", Some(&["aab", "aa"])),
        ("((a)(b))", "ab", Some(&["ab", "ab", "a", "b"])),
        ("\u{e9}+", "caf\u{e9}\u{e9}", Some(&["\u{e9}\u{e9}"])),
    ] {
        assert_eq!(
            found(pattern, text).as_deref(),
            expected,
            "{pattern} in {text}"
        );
    }
}

#[test]
fn finds_behind_a_place() {
    let regex = Regex::new("^?a").err();
    assert_eq!(regex, Some(RegexError::NothingToRepeat('?')));
    let regex = Regex::new("a").unwrap();
    assert_eq!(regex.find("aba", 1).unwrap()[0], Some((2, 3)));
    assert_eq!(regex.find("aba", 3), None);
    assert_eq!(Regex::new("^a").unwrap().find("aa", 1), None);
}

#[test]
fn refuses_with_reasons() {
    for (pattern, message) in [
        ("[a", "No closing ']' bracket"),
        ("(a", "No closing bracket"),
        ("a)", "Unbalanced brackets"),
        ("*a", "Nothing before '*'"),
        ("(+)", "Nothing before '+'"),
        ("()()()()()()()()()()", "More than 9 groups"),
    ] {
        let error = Regex::new(pattern).unwrap_err();
        assert_eq!(std::format!("{error}"), message, "{pattern}");
    }
    let long = "a".repeat(MAX_PROGRAM + 1);
    assert_eq!(Regex::new(&long).err(), Some(RegexError::TooLong));
    let repeated = std::format!("a{}", "+".repeat(MAX_PROGRAM - 1));
    assert_eq!(Regex::new(&repeated).err(), Some(RegexError::TooLong));
}

#[test]
fn no_pattern_takes_long() {
    let text = "a".repeat(2000);
    let start = Instant::now();
    for pattern in ["(a*)*b", "(a|a)*b", "(a?a?a?a?a?a?a?a?)*b", "(((a*)*)*)*b"] {
        assert_eq!(found(pattern, &text), None, "{pattern}");
    }
    // Backtracking would take 2^2000 steps.
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// What a match is, by trying everything: an expression by itself.
fn matches_at(pattern: &[Simple], text: &str) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return true;
    };
    let head = text
        .chars()
        .next()
        .filter(|letter| first.letter.is_none_or(|own| own == *letter));
    let tail = head.map(|letter| &text[letter.len_utf8()..]);
    match first.sign {
        "" => tail.is_some_and(|tail| matches_at(rest, tail)),
        "?" => matches_at(rest, text) || tail.is_some_and(|tail| matches_at(rest, tail)),
        _ => matches_at(rest, text) || tail.is_some_and(|tail| matches_at(pattern, tail)),
    }
}

#[derive(Clone, Debug)]
struct Simple {
    letter: Option<char>,
    sign: &'static str,
}

fn simple() -> impl Strategy<Value = Vec<Simple>> {
    let letter = prop_oneof![Just(None), Just(Some('a')), Just(Some('b'))];
    let sign = prop_oneof![Just(""), Just("?"), Just("*")];
    let one = (letter, sign).prop_map(|(letter, sign)| Simple { letter, sign });
    proptest::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn any_pattern_and_text_are_safe(pattern in "[ab.*+?()|\\[\\]^$\\\\sd-]{0,20}", text in "[ab \u{e9}]{0,20}") {
        if let Ok(regex) = Regex::new(&pattern)
            && let Some(captures) = regex.find(&text, 0)
        {
            for (start, end) in captures.iter().flatten() {
                prop_assert!(text.get(*start..*end).is_some());
            }
        }
    }

    #[test]
    fn agrees_with_trying_everything(pattern in simple(), text in "[ab]{0,8}") {
        let written: String = pattern
            .iter()
            .map(|one| std::format!("{}{}", one.letter.unwrap_or('.'), one.sign))
            .collect();
        let first = (0..=text.len()).find(|start| matches_at(&pattern, &text[*start..]));
        let found = Regex::new(&written).unwrap().find(&text, 0).and_then(|all| all[0]);
        prop_assert_eq!(found.map(|(start, _)| start), first, "{}", written);
    }
}
