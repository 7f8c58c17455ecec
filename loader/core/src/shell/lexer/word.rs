//! Words: quotes, backslashes and variables.

use alloc::{boxed::Box, string::String};

use super::Lexer;
use crate::shell::{
    ast::{Action, Form, Part, Word},
    syntax::{MAX_FORMS, SyntaxError, SyntaxProblem},
};

/// About what a part takes of the heap beside its text: itself, its place in the vectors, and
/// what the allocator adds.
const PART_COST: usize = 48;

impl Lexer<'_> {
    pub(super) fn word(&mut self) -> Result<Word, SyntaxError> {
        let mut word = WordBuilder::default();
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' => break,
                _ => self.piece(&mut word, next, ends_plain)?,
            }
        }
        Ok(word.word)
    }

    /// Takes what begins with `next`, outside quotes; plain text goes on until `ends`.
    fn piece(
        &mut self,
        word: &mut WordBuilder,
        next: char,
        ends: impl Fn(u8) -> bool,
    ) -> Result<(), SyntaxError> {
        match next {
            '\'' => self.single_quoted(word),
            '"' => self.double_quoted(word),
            '$' => self.dollar(word, false),
            '\\' => self.backslash(word),
            _ => {
                let run = self.take_until(ends);
                self.text(word, run, false)
            }
        }
    }

    fn text(
        &mut self,
        word: &mut WordBuilder,
        text: &str,
        quoted: bool,
    ) -> Result<(), SyntaxError> {
        self.charge(text.len())?;
        if !word.extend(text, quoted) {
            self.charge(PART_COST)?;
            word.push(Part::Text {
                text: text.into(),
                quoted,
            });
        }
        Ok(())
    }

    fn letter(
        &mut self,
        word: &mut WordBuilder,
        letter: char,
        quoted: bool,
    ) -> Result<(), SyntaxError> {
        self.text(word, letter.encode_utf8(&mut [0; 4]), quoted)
    }

    fn backslash(&mut self, word: &mut WordBuilder) -> Result<(), SyntaxError> {
        self.bump();
        // At the very end it has nothing to escape.
        let escaped = self.bump().unwrap_or('\\');
        self.letter(word, escaped, true)
    }

    fn single_quoted(&mut self, word: &mut WordBuilder) -> Result<(), SyntaxError> {
        let start = self.position;
        self.bump();
        self.text(word, "", true)?;
        loop {
            let run = self.take_until(|byte| byte == b'\'' || byte == b'\n');
            self.text(word, run, true)?;
            match self.bump() {
                None => return Err(SyntaxProblem::Unclosed('\'').at(start)),
                Some('\'') => return Ok(()),
                Some(other) => self.letter(word, other, true)?,
            }
        }
    }

    fn double_quoted(&mut self, word: &mut WordBuilder) -> Result<(), SyntaxError> {
        let start = self.position;
        self.bump();
        self.text(word, "", true)?;
        while let Some(next) = self.peek() {
            match next {
                '"' => {
                    self.bump();
                    return Ok(());
                }
                _ => self.quoted_piece(word, next)?,
            }
        }
        Err(SyntaxProblem::Unclosed('"').at(start))
    }

    /// Takes what begins with `next`, inside double quotes.
    fn quoted_piece(&mut self, word: &mut WordBuilder, next: char) -> Result<(), SyntaxError> {
        match next {
            '$' => self.dollar(word, true),
            '\\' => self.escape_in_quotes(word),
            '\n' => {
                self.bump();
                self.letter(word, next, true)
            }
            _ => {
                let braces = self.forms > 0;
                let run = self.take_until(|byte| {
                    matches!(byte, b'"' | b'$' | b'\\' | b'\n') || (braces && byte == b'}')
                });
                match run {
                    // A brace that closes nothing here.
                    "" => {
                        self.bump();
                        self.letter(word, next, true)
                    }
                    run => self.text(word, run, true),
                }
            }
        }
    }

    fn escape_in_quotes(&mut self, word: &mut WordBuilder) -> Result<(), SyntaxError> {
        self.bump();
        // Not `peek`: in `\\` and a newline it is the backslash that is escaped.
        match self.rest.clone().next() {
            Some(escaped @ ('$' | '"' | '\\' | '`')) => {
                self.bump();
                self.letter(word, escaped, true)
            }
            Some('}') if self.forms > 0 => {
                self.bump();
                self.letter(word, '}', true)
            }
            _ => self.letter(word, '\\', true),
        }
    }

    fn dollar(&mut self, word: &mut WordBuilder, quoted: bool) -> Result<(), SyntaxError> {
        self.bump();
        let (name, form) = match self.peek() {
            Some('{') => self.braces(quoted)?,
            Some('?') => {
                self.bump();
                (String::from("?"), None)
            }
            _ => (self.name(|letter| letter == '_'), None),
        };
        if name.is_empty() {
            return self.letter(word, '$', quoted);
        }
        self.charge(PART_COST + name.len())?;
        word.push(Part::Variable { name, quoted, form });
        Ok(())
    }

    /// Takes ASCII letters, digits and what is `also` one.
    fn name(&mut self, also: impl Fn(char) -> bool) -> String {
        let mut name = String::new();
        while let Some(next) = self.peek()
            && (next.is_ascii_alphanumeric() || also(next))
        {
            self.bump();
            name.push(next);
        }
        name
    }

    /// Takes `{name}` or `{name:-word}`.
    fn braces(&mut self, quoted: bool) -> Result<(String, Option<Box<Form>>), SyntaxError> {
        let start = self.position;
        self.bump();
        let before = (self.rest.clone(), self.position);
        let mut name = self.name(|letter| "_.,/@-".contains(letter));
        if name.is_empty() && self.take('?') {
            name.push('?');
        }
        if self.peek() != Some('}') && name.contains('-') {
            // Not `${a-b}`, which may be a variable of that name, but `${a-$b}`.
            (self.rest, self.position) = before.clone();
            name = self.name(|letter| "_.,/@".contains(letter));
        }
        let colon = self.take(':');
        let next = self.peek();
        let action = Action::ALL
            .into_iter()
            .find(|action| next == Some(action.sign()));
        match (name.is_empty(), colon, next, action) {
            (false, false, Some('}'), _) => {
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
                (self.rest, self.position) = before;
                let run = self.take_until(|byte| byte == b'}' || byte == b'\n');
                let problem = match self.peek() {
                    Some('}') => SyntaxProblem::BadVariable(run.into()),
                    _ => SyntaxProblem::Unclosed('{'),
                };
                Err(problem.at(dollar_of(start)))
            }
        }
    }

    /// Takes the word of a form, and the brace behind it.
    fn form_word(&mut self, quoted: bool, start: super::Position) -> Result<Word, SyntaxError> {
        if self.forms >= MAX_FORMS {
            return Err(SyntaxProblem::TooDeep.at(self.position));
        }
        // The form itself.
        self.charge(PART_COST)?;
        self.forms += 1;
        let mut word = WordBuilder::default();
        loop {
            match self.peek() {
                None | Some('\n') => {
                    return Err(SyntaxProblem::Unclosed('{').at(dollar_of(start)));
                }
                Some('}') => break,
                // Quotes within quotes change nothing.
                Some('"') if quoted => self.double_quoted(&mut word)?,
                Some(next) if quoted => self.quoted_piece(&mut word, next)?,
                Some(next) => self.piece(&mut word, next, ends_in_braces)?,
            }
        }
        self.bump();
        self.forms -= 1;
        Ok(word.word)
    }
}

/// Returns where the `$` before a brace is. A joined line between the two is not worth more.
fn dollar_of(brace: super::Position) -> super::Position {
    super::Position {
        column: brace.column.saturating_sub(1).max(1),
        ..brace
    }
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

/// Collects a word, adjacent characters of one kind in one part.
#[derive(Default)]
struct WordBuilder {
    word: Word,
}

impl WordBuilder {
    /// Adds to the last part, if that is text of the same kind.
    fn extend(&mut self, addition: &str, quoted_now: bool) -> bool {
        match self.word.parts.last_mut() {
            Some(Part::Text { text, quoted }) if *quoted == quoted_now => {
                text.push_str(addition);
                true
            }
            _ => false,
        }
    }

    fn push(&mut self, part: Part) {
        if self.word.parts.is_empty() {
            // Most words have one part; the default is room for four.
            self.word.parts.reserve_exact(1);
        }
        self.word.parts.push(part);
    }
}
