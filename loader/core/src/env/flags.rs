//! The variable `.flags`: which values others may have, and who may change them.
//!
//! `.flags` is a list, `name:TA,name:T...`: T is the type, one of [`TYPES`], A the access, one of
//! [`ACCESSES`].

use alloc::string::String;
use core::fmt;

/// The variable with the list.
pub const VARIABLE: &str = ".flags";

/// What a value must look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// Anything.
    #[default]
    String,
    /// Decimal digits.
    Decimal,
    /// Hexadecimal digits, `0x` optional.
    Hexadecimal,
    /// One of `1yYtT0nNfF`.
    Boolean,
    /// Four decimal numbers of one to three digits, and dots.
    IpAddress,
    /// Six hexadecimal numbers of one or two digits, and colons.
    MacAddress,
}

/// Who may change a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    #[default]
    Any,
    /// No one: it cannot be made either.
    ReadOnly,
    /// No one once it is there.
    WriteOnce,
    /// Everyone as long as it has its default; it cannot be removed.
    ChangeDefault,
}

/// The types, their letters and names.
pub const TYPES: [(char, Type, &str); 6] = [
    ('s', Type::String, "string"),
    ('d', Type::Decimal, "decimal"),
    ('x', Type::Hexadecimal, "hexadecimal"),
    ('b', Type::Boolean, "boolean"),
    ('i', Type::IpAddress, "IP address"),
    ('m', Type::MacAddress, "MAC address"),
];

/// The accesses, their letters and names.
pub const ACCESSES: [(char, Access, &str); 4] = [
    ('a', Access::Any, "any"),
    ('r', Access::ReadOnly, "read-only"),
    ('o', Access::WriteOnce, "write-once"),
    ('c', Access::ChangeDefault, "change-default"),
];

/// The flags of a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// What its values must look like.
    pub kind: Type,
    /// Who may change it.
    pub access: Access,
}

/// What is about to happen to a variable.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, if it is there.
    pub old: Option<&'a str>,
    /// Its new value; `None` removes it.
    pub new: Option<&'a str>,
    /// Its default, if it has one.
    pub default: Option<&'a str>,
}

/// Iterates over a list: names, and letters as they are.
pub fn list(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter_map(|entry| {
        let (name, letters) = entry.split_once(':').unwrap_or((entry, ""));
        let name = name.trim_ascii();
        (!name.is_empty()).then_some((name, letters.trim_ascii()))
    })
}

/// Finds the flags of a variable in a list; the last entry counts.
pub fn lookup(text: &str, name: &str) -> Flags {
    let found = list(text).filter(|(other, _)| *other == name).last();
    parse(found.map_or("", |(_, letters)| letters))
}

/// Reads the letters of an entry. One that says nothing stands for the first of its table.
fn parse(letters: &str) -> Flags {
    let mut letters = letters.chars();
    let kind = letters.next();
    let access = letters.next();
    Flags {
        kind: TYPES
            .iter()
            .find(|(letter, _, _)| Some(*letter) == kind)
            .map(|(_, kind, _)| *kind)
            .unwrap_or_default(),
        access: ACCESSES
            .iter()
            .find(|(letter, _, _)| Some(*letter) == access)
            .map(|(_, access, _)| *access)
            .unwrap_or_default(),
    }
}

/// A letter of a list that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownLetter {
    /// In the place of a type.
    Type(char),
    /// In the place of an access.
    Access(char),
}

impl fmt::Display for UnknownLetter {
    /// In U-Boot's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, letter) = match self {
            Self::Type(letter) => ("type", letter),
            Self::Access(letter) => ("access method", letter),
        };
        write!(
            f,
            "## Warning: Unknown environment variable {what} '{}'",
            letter.escape_default()
        )
    }
}

/// Iterates over the letters of a list that say nothing.
pub fn unknown_letters(text: &str) -> impl Iterator<Item = UnknownLetter> {
    list(text).flat_map(|(_, letters)| {
        let mut letters = letters.chars();
        let kind = letters.next();
        let kind = kind.filter(|kind| !TYPES.iter().any(|(letter, _, _)| letter == kind));
        let access = letters.next();
        let access =
            access.filter(|access| !ACCESSES.iter().any(|(letter, _, _)| letter == access));
        let access = access.map(UnknownLetter::Access);
        kind.map(UnknownLetter::Type).into_iter().chain(access)
    })
}

impl Flags {
    /// Tells whether a change may happen. `force` sets the access aside, never the type.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(self, change: &Change<'_>, force: bool) -> Result<(), FlagsError> {
        let name = || String::from(change.name);
        if let Some(value) = change.new
            && !self.kind.accepts(value)
        {
            let letter = TYPES.iter().find(|(_, kind, _)| *kind == self.kind);
            return Err(FlagsError::Type {
                name: name(),
                value: value.into(),
                letter: letter.map_or('s', |(letter, _, _)| *letter),
            });
        }
        if force {
            return Ok(());
        }
        match (change.old, change.new, self.access) {
            (_, _, Access::Any) => Ok(()),
            (Some(_), None, _) => Err(FlagsError::Delete(name())),
            (None, Some(_), Access::ReadOnly) => Err(FlagsError::Create(name())),
            (Some(_), Some(_), Access::ReadOnly | Access::WriteOnce) => {
                Err(FlagsError::Overwrite(name()))
            }
            (Some(old), Some(_), Access::ChangeDefault)
                if old != change.default.unwrap_or_default() =>
            {
                Err(FlagsError::NotDefault {
                    name: name(),
                    old: old.into(),
                    default: change.default.unwrap_or_default().into(),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Type {
    /// Tells whether a value looks as the type wants it.
    pub fn accepts(self, value: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            Self::String => true,
            Self::Decimal => digits(value),
            Self::Hexadecimal => {
                let prefix = |start| value.strip_prefix(start);
                match prefix("0x").or_else(|| prefix("0X")) {
                    Some(rest) => !rest.is_empty() && hex(rest),
                    None => hex(value),
                }
            }
            Self::Boolean => value.len() == 1 && value.contains(|c| "1yYtT0nNfF".contains(c)),
            Self::IpAddress => parts(value, '.', 4, |part| part.len() <= 3 && digits(part)),
            Self::MacAddress => parts(value, ':', 6, |part| part.len() <= 2 && hex(part)),
        }
    }
}

/// Tells whether `text` is `count` parts, none of them empty.
fn parts(text: &str, separator: char, count: usize, good: impl Fn(&str) -> bool) -> bool {
    let all = text
        .split(separator)
        .all(|part| !part.is_empty() && good(part));
    all && text.split(separator).count() == count
}

/// Why `.flags` forbids a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagsError {
    /// The value does not look as the type wants it.
    Type {
        /// The variable.
        name: String,
        /// The value.
        value: String,
        /// The type's letter.
        letter: char,
    },
    /// It must not be made.
    Create(String),
    /// It must not be overwritten.
    Overwrite(String),
    /// It must not be overwritten any more: it has not its default.
    NotDefault {
        /// The variable.
        name: String,
        /// Its value.
        old: String,
        /// Its default.
        default: String,
    },
    /// It must not be removed.
    Delete(String),
}

impl fmt::Display for FlagsError {
    /// In U-Boot's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Type {
                name,
                value,
                letter,
            } => {
                writeln!(
                    f,
                    "## Error: flags type check failure for \"{name}\" <= \"{value}\" (type: {letter})"
                )?;
                name
            }
            Self::Create(name) => {
                writeln!(f, "## Error: Can't create \"{name}\"")?;
                name
            }
            Self::NotDefault { name, old, default } => {
                writeln!(
                    f,
                    "oldval: {old}  defval: {default}\n## Error: Can't overwrite \"{name}\""
                )?;
                name
            }
            Self::Overwrite(name) => {
                writeln!(f, "## Error: Can't overwrite \"{name}\"")?;
                name
            }
            Self::Delete(name) => return write!(f, "## Error: Can't delete \"{name}\""),
        };
        // 1 is EPERM.
        write!(f, "## Error inserting \"{name}\" variable, errno=1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn types_accept_what_ubooots_do() {
        for (kind, good, bad) in [
            (Type::String, &["", "any thing"][..], &[][..]),
            (Type::Decimal, &["", "0", "0123"], &["a", "-1", "1 ", "0x1"]),
            (
                Type::Hexadecimal,
                &["", "0", "ff", "0xFF", "0X1"],
                &["0x", "g", "0x1 "],
            ),
            (
                Type::Boolean,
                &["1", "y", "Y", "t", "T", "0", "n", "N", "f", "F"],
                &["", "yes", "2", "\u{e9}"],
            ),
            (
                Type::IpAddress,
                &["1.2.3.4", "999.0.0.001"],
                &["", "1.2.3", "1.2.3.4.5", "1..3.4", "1.2.3.4567", "a.2.3.4"],
            ),
            (
                Type::MacAddress,
                &["52:54:00:12:34:5f", "1:2:3:4:5:6"],
                &["", "52:54:00:12:34", "52:54:00:12:34:567", "0x:1:2:3:4:5"],
            ),
        ] {
            for value in good {
                assert!(kind.accepts(value), "{kind:?} {value:?}");
            }
            for value in bad {
                assert!(!kind.accepts(value), "{kind:?} {value:?}");
            }
        }
    }

    #[test]
    fn accesses_forbid_what_uboots_do() {
        let change = |old, new| Change {
            name: "x",
            old,
            new,
            default: Some("d"),
        };
        let made = change(None, Some("1"));
        let changed = change(Some("1"), Some("2"));
        let from_default = change(Some("d"), Some("2"));
        let removed = change(Some("1"), None);
        for (letters, expected) in [
            ("sa", [true, true, true, true]),
            ("sr", [false, false, false, false]),
            ("so", [true, false, false, false]),
            ("sc", [true, false, true, false]),
            ("s", [true, true, true, true]),
            ("", [true, true, true, true]),
            ("?!", [true, true, true, true]),
        ] {
            let flags = parse(letters);
            let found = [made, changed, from_default, removed]
                .map(|change| flags.check(&change, false).is_ok());
            assert_eq!(found, expected, "{letters}");
            assert_eq!(flags.check(&changed, true), Ok(()), "{letters}");
        }
    }

    #[test]
    fn lists_are_read() {
        let text = " a:dr, b : xo,c,:s,a:b,d:qz";
        assert_eq!(
            list(text).collect::<Vec<_>>(),
            [("a", "dr"), ("b", "xo"), ("c", ""), ("a", "b"), ("d", "qz")]
        );
        assert_eq!(lookup(text, "a").kind, Type::Boolean);
        assert_eq!(lookup(text, "b").access, Access::WriteOnce);
        assert_eq!(lookup(text, "nosuch"), Flags::default());
        let unknown: Vec<_> = unknown_letters(text)
            .map(|found| found.to_string())
            .collect();
        assert_eq!(
            unknown,
            [
                "## Warning: Unknown environment variable type 'q'",
                "## Warning: Unknown environment variable access method 'z'"
            ]
        );
    }
}
