//! The words of an unfinished line.

use alloc::{string::String, vec::Vec};

/// Words after which a command stands.
const KEYWORDS: &[&str] = &[
    "if", "then", "elif", "else", "while", "until", "do", "!", "{",
];

/// The words of the command that a line ends in, quotes and backslashes taken off.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Those that are complete.
    pub before: Vec<String>,
    /// The one that the cursor is at the end of.
    pub current: String,
    /// The quote that it is in.
    pub quote: Option<char>,
    /// Where in it the name of a variable begins, behind its `$`.
    dollar: Option<usize>,
    in_word: bool,
}

impl Words {
    pub(super) fn split(head: &str) -> Self {
        let mut words = Self::default();
        let mut letters = head.chars();
        while let Some(letter) = letters.next() {
            match (letter, words.quote) {
                ('\\', None | Some('"')) => words.current.extend(letters.next()),
                (letter, Some(quote)) if letter == quote => words.quote = None,
                ('\'' | '"', None) => words.quote = Some(letter),
                (';' | '|' | '&' | '\n', None) => {
                    words.end();
                    words.before.clear();
                    continue;
                }
                (letter, None) if letter.is_ascii_whitespace() => {
                    words.end();
                    continue;
                }
                (letter, _) => words.current.push(letter),
            }
            words.in_word = true;
            if letter == '$' && words.quote != Some('\'') {
                words.dollar = Some(words.current.len());
            }
        }
        words
    }

    fn end(&mut self) {
        let word = core::mem::take(&mut self.current);
        self.dollar = None;
        let keyword = self.before.is_empty() && KEYWORDS.contains(&word.as_str());
        if core::mem::take(&mut self.in_word) && !keyword {
            self.before.push(word);
        }
    }

    /// Returns the beginning of a variable's name that the cursor stands behind, and whether it
    /// stands in braces.
    pub(super) fn variable(&self) -> Option<(&str, bool)> {
        let behind = self.current.get(self.dollar?..)?;
        let name = behind.strip_prefix('{').unwrap_or(behind);
        let part = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        name.chars().all(part).then_some((name, behind != name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_the_last_command() {
        for (head, before, current) in [
            ("", &[][..], ""),
            ("ec", &[], "ec"),
            ("  echo a", &["echo"], "a"),
            ("echo a ", &["echo", "a"], ""),
            ("echo a;ls", &[], "ls"),
            ("echo 'a;b' \"c d\" e\\ f", &["echo", "a;b", "c d"], "e f"),
            ("a && load virtio 0:1", &["load", "virtio"], "0:1"),
            ("if true; then bo", &[], "bo"),
            ("echo if ", &["echo", "if"], ""),
            ("echo '' ", &["echo", ""], ""),
            ("ls 'my fi", &["ls"], "my fi"),
        ] {
            let words = Words::split(head);
            assert_eq!(words.before, before, "{head}");
            assert_eq!(words.current, current, "{head}");
        }
    }

    #[test]
    fn sees_variables() {
        for (head, variable) in [
            ("echo ${na", Some(("na", true))),
            ("echo $na", Some(("na", false))),
            ("echo \"a ${b} ${", Some(("", true))),
            ("echo ${a}", None),
            ("echo ${a} b", None),
            ("echo '${na", None),
            ("echo \\$na", None),
            ("echo $a/b", None),
        ] {
            assert_eq!(Words::split(head).variable(), variable, "{head}");
        }
    }
}
