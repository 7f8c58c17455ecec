//! Words: quotes, backslashes and variables.

use alloc::{borrow::Cow, boxed::Box};

use super::{Lexer, Spot};
use crate::shell::{
    ast::{Action, Form, Part, Word},
    syntax::{MAX_FORMS, SyntaxError, SyntaxProblem},
};

/// About what a word takes of the heap, where it is one of several in a vector.
const WORD_COST: usize = 64;

/// About what a part beyond the first takes, or a form.
const PART_COST: usize = 48;

impl<'a> Lexer<'a> {
    pub(super) fn word(&mut self) -> Result<Word<'a>, SyntaxError> {
        self.charge(WORD_COST)?;
        let mut word = Word::default();
        while let Some(next) = self.peek() {
            match next {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' => break,
                _ => self.piece(&mut word, next, ends_plain)?,
            }
        }
        Ok(word)
    }

    /// Takes what begins with `next`, outside quotes; plain text goes on until `ends`.
    fn piece(
        &mut self,
        word: &mut Word<'a>,
        next: u8,
        ends: impl Fn(u8) -> bool,
    ) -> Result<(), SyntaxError> {
        match next {
            b'\'' => self.single_quoted(word),
            b'"' => self.double_quoted(word),
            b'$' => self.dollar(word, false),
            b'\\' => self.backslash(word),
            _ => {
                let run = self.take_until(ends);
                self.text(word, run, false)
            }
        }
    }

    /// Adds text: to the last part, if that is text of the same kind.
    fn text(
        &mut self,
        word: &mut Word<'a>,
        addition: &'a str,
        quoted_now: bool,
    ) -> Result<(), SyntaxError> {
        let last = match word.rest.last_mut() {
            Some(last) => Some(last),
            None => word.first.as_mut(),
        };
        match last {
            Some(Part::Text { text, quoted }) if *quoted == quoted_now => {
                if text.is_empty() {
                    *text = Cow::Borrowed(addition);
                } else if !addition.is_empty() {
                    self.charge(text.len() + addition.len())?;
                    text.to_mut().push_str(addition);
                }
                Ok(())
            }
            _ => {
                let part = Part::Text {
                    text: Cow::Borrowed(addition),
                    quoted: quoted_now,
                };
                self.part(word, part)
            }
        }
    }

    fn part(&mut self, word: &mut Word<'a>, part: Part<'a>) -> Result<(), SyntaxError> {
        if word.first.is_none() {
            word.first = Some(part);
            return Ok(());
        }
        self.charge(PART_COST)?;
        if word.rest.is_empty() {
            // The default is room for four.
            word.rest.reserve_exact(1);
        }
        word.rest.push(part);
        Ok(())
    }

    /// Takes the next character as one that was quoted.
    fn letter(&mut self, word: &mut Word<'a>) -> Result<(), SyntaxError> {
        let letter = self.take_letter();
        self.text(word, letter, true)
    }

    fn backslash(&mut self, word: &mut Word<'a>) -> Result<(), SyntaxError> {
        self.bump();
        match self.take_letter() {
            // At the very end it has nothing to escape.
            "" => self.text(word, "\\", true),
            escaped => self.text(word, escaped, true),
        }
    }

    fn single_quoted(&mut self, word: &mut Word<'a>) -> Result<(), SyntaxError> {
        let start = self.spot;
        self.bump();
        self.text(word, "", true)?;
        loop {
            let run = self.take_until(|byte| byte == b'\'' || byte == b'\n');
            self.text(word, run, true)?;
            match self.ahead(0) {
                None => return self.error(SyntaxProblem::Unclosed('\''), start),
                Some(b'\'') => {
                    self.bump();
                    return Ok(());
                }
                Some(_) => self.letter(word)?,
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Word<'a>) -> Result<(), SyntaxError> {
        let start = self.spot;
        self.bump();
        self.text(word, "", true)?;
        while let Some(next) = self.peek() {
            match next {
                b'"' => {
                    self.bump();
                    return Ok(());
                }
                _ => self.quoted_piece(word, next)?,
            }
        }
        self.error(SyntaxProblem::Unclosed('"'), start)
    }

    /// Takes what begins with `next`, inside double quotes.
    fn quoted_piece(&mut self, word: &mut Word<'a>, next: u8) -> Result<(), SyntaxError> {
        match next {
            b'$' => self.dollar(word, true),
            b'\\' => self.escape_in_quotes(word),
            b'\n' => self.letter(word),
            _ => {
                let braces = self.forms > 0;
                let run = self.take_until(|byte| {
                    matches!(byte, b'"' | b'$' | b'\\' | b'\n') || (braces && byte == b'}')
                });
                match run {
                    // A brace that closes nothing here.
                    "" => self.letter(word),
                    run => self.text(word, run, true),
                }
            }
        }
    }

    fn escape_in_quotes(&mut self, word: &mut Word<'a>) -> Result<(), SyntaxError> {
        self.bump();
        // Not `peek`: in `\\` and a newline it is the backslash that is escaped.
        match self.ahead(0) {
            Some(b'$' | b'"' | b'\\' | b'`') => self.letter(word),
            Some(b'}') if self.forms > 0 => self.letter(word),
            _ => self.text(word, "\\", true),
        }
    }

    fn dollar(&mut self, word: &mut Word<'a>, quoted: bool) -> Result<(), SyntaxError> {
        self.bump();
        let (name, form) = match self.peek() {
            Some(b'{') => self.braces(quoted)?,
            Some(b'?') => (Cow::Borrowed(self.take_letter()), None),
            _ => (self.name(""), None),
        };
        match name.is_empty() {
            true => self.text(word, "$", quoted),
            false => self.part(word, Part::Variable { name, quoted, form }),
        }
    }

    /// Takes ASCII letters, digits, `_` and what is `also` part of a name.
    fn name(&mut self, also: &str) -> Cow<'a, str> {
        let mut name = Cow::Borrowed("");
        // Again behind a joined line, of which `peek` gets rid.
        while self.peek().is_some_and(|next| is_name_byte(next, also)) {
            let run = self.take_until(|byte| !is_name_byte(byte, also));
            match name.is_empty() {
                true => name = Cow::Borrowed(run),
                false => name.to_mut().push_str(run),
            }
        }
        name
    }

    /// Takes `{name}` or `{name:-word}`.
    fn braces(
        &mut self,
        quoted: bool,
    ) -> Result<(Cow<'a, str>, Option<Box<Form<'a>>>), SyntaxError> {
        let start = self.spot;
        self.bump();
        let before = self.spot;
        let mut name = self.name(".,/@-");
        if name.is_empty() && self.peek() == Some(b'?') {
            name = Cow::Borrowed(self.take_letter());
        }
        if self.peek() != Some(b'}') && name.contains('-') {
            // Not `${a-b}`, which may be a variable of that name, but `${a-$b}`.
            self.spot = before;
            name = self.name(".,/@");
        }
        let colon = self.take(b':');
        let next = self.peek();
        let action = Action::ALL
            .into_iter()
            .find(|action| next.map(char::from) == Some(action.sign()));
        match (name.is_empty(), colon, next, action) {
            (false, false, Some(b'}'), _) => {
                self.bump();
                Ok((name, None))
            }
            (false, _, _, Some(action)) => {
                self.bump();
                let word = self.form_word(quoted, start)?;
                let form = Form {
                    colon,
                    action,
                    word,
                };
                Ok((name, Some(Box::new(form))))
            }
            _ => {
                self.spot = before;
                let run = self.take_until(|byte| byte == b'}' || byte == b'\n');
                let problem = match self.peek() {
                    Some(b'}') => SyntaxProblem::BadVariable(run.into()),
                    _ => SyntaxProblem::Unclosed('{'),
                };
                self.error(problem, dollar_of(start))
            }
        }
    }

    /// Takes the word of a form, and the brace behind it.
    fn form_word(&mut self, quoted: bool, start: Spot) -> Result<Word<'a>, SyntaxError> {
        if self.forms >= MAX_FORMS {
            return self.error(SyntaxProblem::TooDeep, self.spot);
        }
        // The form itself.
        self.charge(PART_COST)?;
        self.forms += 1;
        let mut word = Word::default();
        loop {
            match self.peek() {
                None | Some(b'\n') => {
                    return self.error(SyntaxProblem::Unclosed('{'), dollar_of(start));
                }
                Some(b'}') => break,
                // Quotes within quotes change nothing.
                Some(b'"') if quoted => self.double_quoted(&mut word)?,
                Some(next) if quoted => self.quoted_piece(&mut word, next)?,
                Some(next) => self.piece(&mut word, next, ends_in_braces)?,
            }
        }
        self.bump();
        self.forms -= 1;
        Ok(word)
    }
}

/// Returns where the `$` before a brace is. A joined line between the two is not worth more.
fn dollar_of(brace: Spot) -> Spot {
    Spot {
        at: brace.at.saturating_sub(1).max(brace.line_start),
        ..brace
    }
}

fn is_name_byte(byte: u8, also: &str) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || also.as_bytes().contains(&byte)
}

fn ends_plain(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'\'' | b'"' | b'$' | b'\\'
    )
}

fn ends_in_braces(byte: u8) -> bool {
    matches!(byte, b'}' | b'\n' | b'\'' | b'"' | b'$' | b'\\')
}
