//! `setexpr name fmt`: C's format strings, as far as U-Boot takes them.

use alloc::string::String;
use core::{fmt::Write, iter::Peekable, str::Chars};

use super::CommandError;
use crate::commands::parse_hex;

/// The widest field, and the most digits.
const MAX_WIDTH: usize = 256;

/// The longest result.
const MAX_RESULT: usize = 4096;

/// Formats values: `%[-+ #0][width][.precision]` and `c`, `d`, `i`, `o`, `s`, `u`, `x`, `X`;
/// `%%`; backslash escapes. Numbers are given in hexadecimal; a missing value is empty, or 0.
///
/// # Errors
/// A directive that is none, a value that is no number, or a result that is too long.
pub(super) fn format(template: &str, values: &[&str]) -> Result<String, CommandError> {
    let mut result = String::new();
    let mut values = values.iter();
    let mut rest = template.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '%' if rest.next_if_eq(&'%').is_some() => result.push('%'),
            '%' => {
                let directive = Directive::parse(&mut rest).ok_or_else(|| invalid(template))?;
                let value = values.next().copied().unwrap_or("");
                directive.write(&mut result, value)?;
            }
            '\\' if rest.next_if_eq(&'c').is_some() => break,
            '\\' => result.push(escape(&mut rest)),
            plain => result.push(plain),
        }
        if result.len() > MAX_RESULT {
            let text = alloc::format!("the result takes more than {MAX_RESULT} bytes");
            return Err(CommandError::message(text));
        }
    }
    Ok(result)
}

fn invalid(template: &str) -> CommandError {
    CommandError::message(alloc::format!("`{template}': invalid format"))
}

/// Takes what is behind a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>) -> char {
    let mut value = 0;
    let mut digits = 0;
    while digits < 3
        && let Some(digit) = rest.peek().and_then(|next| next.to_digit(8))
        && value * 8 + digit < 256
    {
        value = value * 8 + digit;
        digits += 1;
        rest.next();
    }
    if digits > 0 {
        return char::from_u32(value).unwrap_or('\\');
    }
    let known = match rest.peek() {
        Some('a') => '\x07',
        Some('b') => '\x08',
        Some('e') => '\x1b',
        Some('f') => '\x0c',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('v') => '\x0b',
        Some(same @ ('\\' | '"')) => *same,
        // Stands for itself, and so does what follows.
        _ => return '\\',
    };
    rest.next();
    known
}

/// A directive, from the flags on.
#[derive(Default)]
struct Directive {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

impl Directive {
    fn parse(rest: &mut Peekable<Chars<'_>>) -> Option<Self> {
        let mut directive = Self::default();
        while let Some(flag) = rest.next_if(|next| "-+ #0".contains(*next)) {
            match flag {
                '-' => directive.left = true,
                '+' => directive.plus = true,
                ' ' => directive.blank = true,
                '#' => directive.alternate = true,
                _ => directive.zero = true,
            }
        }
        directive.width = decimal(rest)?;
        if rest.next_if_eq(&'.').is_some() {
            directive.precision = Some(decimal(rest)?);
        }
        // The sizes of C's types mean nothing here.
        while rest.next_if(|next| "lLhz".contains(*next)).is_some() {}
        directive.conversion = rest.next_if(|next| "cdiosuxX".contains(*next))?;
        Some(directive)
    }

    fn write(&self, result: &mut String, value: &str) -> Result<(), CommandError> {
        match self.conversion {
            'c' => {
                let end = value.chars().next().map_or(0, char::len_utf8);
                self.pad(result, value.get(..end).unwrap_or(""), "");
            }
            's' => {
                let most = self.precision.unwrap_or(usize::MAX);
                let end = value.char_indices().nth(most).map(|(at, _)| at);
                self.pad(
                    result,
                    value.get(..end.unwrap_or(value.len())).unwrap_or(""),
                    "",
                );
            }
            _ => self.number(result, value)?,
        }
        Ok(())
    }

    fn number(&self, result: &mut String, text: &str) -> Result<(), CommandError> {
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(magnitude) => (true, magnitude),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let mut value = match magnitude {
            "" => 0,
            magnitude => parse_hex(magnitude)?,
        };
        if negative {
            value = value.wrapping_neg();
        }
        let signed = matches!(self.conversion, 'd' | 'i');
        let below = signed && value.cast_signed() < 0;
        if below {
            value = value.wrapping_neg();
        }
        let mut digits = String::new();
        // Writing to a string cannot fail.
        let _ = match self.conversion {
            'o' => write!(digits, "{value:o}"),
            'x' => write!(digits, "{value:x}"),
            'X' => write!(digits, "{value:X}"),
            _ => write!(digits, "{value}"),
        };
        let least = self.precision.unwrap_or(1);
        digits.insert_str(0, &"0".repeat(least.saturating_sub(digits.len())));
        let prefix = match self.conversion {
            'd' | 'i' if below => "-",
            'd' | 'i' if self.plus => "+",
            'd' | 'i' if self.blank => " ",
            'o' if self.alternate && !digits.starts_with('0') => "0",
            'x' if self.alternate && value != 0 => "0x",
            'X' if self.alternate && value != 0 => "0X",
            _ => "",
        };
        self.pad(result, &digits, prefix);
        Ok(())
    }

    /// Fills up to the width: with zeros between prefix and digits, or with blanks.
    fn pad(&self, result: &mut String, text: &str, prefix: &str) {
        let used = prefix.len() + text.chars().count();
        let fill = self.width.saturating_sub(used);
        let number = !matches!(self.conversion, 'c' | 's');
        let (before, zeros, after) = match (self.left, self.zero && number) {
            (true, _) => (0, 0, fill),
            (false, true) if self.precision.is_none() => (0, fill, 0),
            _ => (fill, 0, 0),
        };
        let add = |result: &mut String, fill: char, times: usize| {
            result.extend(core::iter::repeat_n(fill, times));
        };
        add(result, ' ', before);
        result.push_str(prefix);
        add(result, '0', zeros);
        result.push_str(text);
        add(result, ' ', after);
    }
}

/// Takes decimal digits; none are 0, and more than [`MAX_WIDTH`] are refused.
fn decimal(rest: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let mut value = 0;
    while let Some(digit) = rest.peek().and_then(|next| next.to_digit(10)) {
        rest.next();
        value = value * 10 + usize::try_from(digit).ok()?;
        if value > MAX_WIDTH {
            return None;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_conversion_and_flag() {
        for (template, values, expected) in [
            ("%d", &["100"][..], "256"),
            ("%i", &["-10"], "-16"),
            ("%u", &["-1"], "18446744073709551615"),
            ("0x%08x", &["63"], "0x00000063"),
            ("%%%o", &["8"], "%10"),
            ("%X %x", &["aB", "0xAb"], "AB ab"),
            ("%c%c", &["xyz", ""], "x"),
            ("[%s]", &["a b"], "[a b]"),
            ("[%5s|%-5s|%.2s]", &["ab", "cd", "efg"], "[   ab|cd   |ef]"),
            ("[%5d|%-5d|%05d]", &["1", "2", "-3"], "[    1|2    |-0003]"),
            (
                "[%+d|% d|%#x|%#o|%#X]",
                &["1", "2", "3", "8", "0"],
                "[+1| 2|0x3|010|0]",
            ),
            (
                "[%.4x|%6.4x|%06.4x]",
                &["1", "1", "1"],
                "[0001|  0001|  0001]",
            ),
            ("%lld %zx", &["a", "a"], "10 a"),
            ("%d|%s|%x", &[], "0||0"),
            ("a\\tb\\n\\\\\\\"\\101\\0", &[], "a\tb\n\\\"A\0"),
            ("a\\cb", &[], "a"),
            ("a\\qb\\", &[], "a\\qb\\"),
            ("\\477", &[], "'7"),
        ] {
            let result = format(template, values);
            assert_eq!(result.ok().as_deref(), Some(expected), "{template}");
        }
    }

    #[test]
    fn refuses_with_reasons() {
        for (template, message) in [
            ("%", "`%': invalid format"),
            ("a%b", "`a%b': invalid format"),
            ("%*d", "`%*d': invalid format"),
            ("%257d", "`%257d': invalid format"),
            (
                "%.99999999999999999999d",
                "`%.99999999999999999999d': invalid format",
            ),
            ("%d", "\"zz\" is not a hexadecimal number"),
        ] {
            let error = format(template, &["zz"]).unwrap_err();
            assert_eq!(alloc::format!("{error}"), message, "{template}");
        }
        let long = "%256d".repeat(17);
        let error = format(&long, &[]).unwrap_err();
        let message = "the result takes more than 4096 bytes";
        assert_eq!(alloc::format!("{error}"), message);
    }

    proptest! {
        #[test]
        fn any_template_is_safe(template in "[%a-z0-9.\\\\#+ -]{0,20}", value in "[0-9a-f-]{0,20}") {
            let _ = format(&template, &[&value, &value]);
        }
    }
}
