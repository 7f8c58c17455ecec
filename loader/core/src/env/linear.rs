//! The environment in a row: text, a line a variable, or binary, a NUL behind each.
//!
//! As U-Boot does, a backslash goes before each backslash of a value, and in text before each of
//! its newlines.

use alloc::{string::String, vec::Vec};

use super::{EnvError, Environment, validate_name};

/// How a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A newline ends a variable.
    Text,
    /// A NUL ends a variable, another one the row.
    Binary,
}

impl Form {
    fn separator(self) -> u8 {
        match self {
            Self::Text => b'\n',
            Self::Binary => 0,
        }
    }
}

/// Writes variables in a row, a NUL behind it.
pub fn export<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>, form: Form) -> Vec<u8> {
    let separator = form.separator();
    let mut row = Vec::new();
    for (name, value) in variables {
        row.extend_from_slice(name.as_bytes());
        row.push(b'=');
        for byte in value.bytes() {
            if byte == separator || byte == b'\\' {
                row.push(b'\\');
            }
            row.push(byte);
        }
        row.push(separator);
    }
    row.push(0);
    row
}

/// What a row says about a variable: its value, or that it is removed.
pub type Entry = (String, Option<String>);

/// Reads a row. It ends at a NUL where a variable should begin, or where its bytes do.
pub struct Row<'a> {
    rest: &'a [u8],
    form: Form,
    /// In text, a carriage return before a newline belongs to that.
    crlf: bool,
}

impl<'a> Row<'a> {
    /// Begins to read.
    pub fn new(bytes: &'a [u8], form: Form, crlf: bool) -> Self {
        Self {
            rest: bytes,
            form,
            crlf: crlf && form == Form::Text,
        }
    }

    /// Takes the bytes up to the separator or a NUL that no backslash hides; tells where the next
    /// variable begins.
    fn take(&mut self) -> &'a [u8] {
        let separator = self.form.separator();
        let mut hidden = false;
        let end = self.rest.iter().position(|byte| {
            let ends = *byte == 0 || (*byte == separator && !hidden);
            hidden = *byte == b'\\' && !hidden;
            ends
        });
        let end = end.unwrap_or(self.rest.len());
        let (entry, rest) = self.rest.split_at(end);
        // A NUL ends a row of text: it stays, for the next look.
        self.rest = match rest.split_first() {
            Some((byte, after)) if *byte == separator => after,
            _ => rest.get(..0).unwrap_or_default(),
        };
        match entry.split_last() {
            Some((b'\r', before)) if self.crlf => before,
            _ => entry,
        }
    }

    /// Takes the backslashes away that [`export`] puts in. Text is read as U-Boot reads it: a
    /// backslash hides whatever comes after it. In a binary row others than U-Boot, who put none
    /// in, are understood as well: only a doubled one counts.
    fn unescape(&self, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(value.len());
        let mut bytes = value.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let hides = match bytes.peek() {
                Some(next) => self.form == Form::Text || *next == b'\\',
                None => false,
            };
            if byte == b'\\' && hides {
                out.extend(bytes.next());
            } else {
                out.push(byte);
            }
        }
        out
    }

    fn entry(&self, entry: &[u8]) -> Result<Entry, EnvError> {
        let mut parts = entry.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        let text = String::from_utf8_lossy(name);
        validate_name(&text)?;
        let name: String = text.into();
        let value = parts.next().filter(|value| !value.is_empty());
        let value = value.map(|value| String::from_utf8(self.unescape(value)));
        match value.transpose() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(EnvError::NotText(name)),
        }
    }
}

impl Iterator for Row<'_> {
    type Item = Result<Entry, EnvError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // A blank before a name is none of it.
            while let Some((b' ' | b'\t', rest)) = self.rest.split_first() {
                self.rest = rest;
            }
            match self.rest.first() {
                None | Some(0) => return None,
                Some(b'#') => {
                    // A comment ends with its line; no backslash hides that end.
                    let separator = self.form.separator();
                    let mut parts = self.rest.splitn(2, |byte| *byte == separator);
                    let _ = parts.next();
                    self.rest = parts.next().unwrap_or_default();
                }
                Some(_) => {
                    let entry = self.take();
                    if !entry.is_empty() {
                        return Some(self.entry(entry));
                    }
                }
            }
        }
    }
}

/// Takes variables from a row, all or those named; what `.flags` forbids and what is no variable is
/// left out. Returns what was wrong.
pub fn import(
    env: &mut Environment,
    row: Row<'_>,
    wanted: &mut dyn FnMut(&str) -> bool,
) -> Vec<EnvError> {
    let mut problems = Vec::new();
    for entry in row {
        let done = match entry {
            Ok((name, _)) if !wanted(&name) => Ok(()),
            Ok((name, Some(value))) => env.try_set(&name, &value),
            Ok((name, None)) => env.try_remove(&name, false).map(drop),
            Err(error) => Err(error),
        };
        problems.extend(done.err());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    fn read(bytes: &[u8], form: Form, crlf: bool) -> Vec<Result<Entry, EnvError>> {
        Row::new(bytes, form, crlf).collect()
    }

    fn set(name: &str, value: &str) -> Result<Entry, EnvError> {
        Ok((name.into(), Some(value.into())))
    }

    fn removed(name: &str) -> Result<Entry, EnvError> {
        Ok((name.into(), None))
    }

    #[test]
    fn reads_text_as_uboot_does() {
        let text = b"a=1\n# comment\\\n  b=x=y z\nc\nd=\n\ne=two\\\nlines\\\\\n\x00f=6\n";
        assert_eq!(
            read(text, Form::Text, false),
            [
                set("a", "1"),
                set("b", "x=y z"),
                removed("c"),
                removed("d"),
                set("e", "two\nlines\\")
            ]
        );
        let dos = b"a=1\r\nb=2\r\n";
        assert_eq!(read(dos, Form::Text, true), [set("a", "1"), set("b", "2")]);
        assert_eq!(
            read(dos, Form::Text, false),
            [set("a", "1\r"), set("b", "2\r")]
        );
        assert_eq!(read(b"a=1", Form::Text, false), [set("a", "1")]);
        assert_eq!(read(b"a=\\$x\n", Form::Text, false), [set("a", "$x")]);
    }

    #[test]
    fn reads_binary_of_uboot_and_of_others() {
        assert_eq!(
            read(b"a=1\0b=x\ny\0\0c=3\0", Form::Binary, false),
            [set("a", "1"), set("b", "x\ny")]
        );
        assert_eq!(
            read(b"a=x\\\\y\0b=x\\y\0c=\\\0\0", Form::Binary, false),
            [set("a", "x\\y"), set("b", "x\\y"), set("c", "\\")]
        );
    }

    #[test]
    fn names_junk() {
        let row = b"=1\0a b=2\0c\xff=3\0d=\xff\0e=5\0\0";
        let found = read(row, Form::Binary, false);
        assert_eq!(found[0], Err(EnvError::BadName("".into())));
        assert_eq!(found[1], Err(EnvError::BadName("a b".into())));
        assert!(matches!(found[2], Err(EnvError::BadName(_))));
        assert_eq!(found[3], Err(EnvError::NotText("d".into())));
        assert_eq!(found[4], set("e", "5"));
        let mut env = Environment::default();
        let row = Row::new(row, Form::Binary, false);
        assert_eq!(import(&mut env, row, &mut |_| true).len(), 4);
        assert_eq!(env.iter().collect::<Vec<_>>(), vec![("e", "5")]);
    }

    fn environment() -> impl Strategy<Value = Environment> {
        let variable = ("[!-<>-~]{1,12}", "[^\0]{0,40}");
        proptest::collection::vec(variable, 0..20).prop_map(|variables| {
            let mut env = Environment::default();
            for (name, value) in variables {
                // A comment sign at a name's start is read as one; an empty value removes.
                if !name.starts_with('#') && name != ".flags" && !value.is_empty() {
                    env.set(&name, &value);
                }
            }
            env
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(env in environment(), text: bool) {
            let form = if text { Form::Text } else { Form::Binary };
            let row = export(env.iter(), form);
            let mut again = Environment::default();
            prop_assert_eq!(import(&mut again, Row::new(&row, form, false), &mut |_| true), vec![]);
            // A backslash before the end of a binary value hides nothing.
            prop_assert_eq!(again, env);
        }

        #[test]
        fn a_binary_row_has_the_size_that_is_told(env in environment()) {
            prop_assert_eq!(export(env.iter(), Form::Binary).len(), env.size());
        }

        #[test]
        fn junk_never_panics(bytes: Vec<u8>, text: bool, crlf: bool) {
            let form = if text { Form::Text } else { Form::Binary };
            let mut env = Environment::default();
            import(&mut env, Row::new(&bytes, form, crlf), &mut |_| true);
            prop_assert!(env.size() <= super::super::CAPACITY);
        }
    }
}
