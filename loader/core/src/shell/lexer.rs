//! Text into tokens.
//!
//! Quoting is POSIX's, which U-Boot's newer parser follows: single quotes keep everything; in
//! double quotes a backslash escapes only `$`, `"`, `\`, `` ` `` and a newline; elsewhere it
//! escapes anything. A backslash before a newline joins two lines before anything else is
//! looked at, except in single quotes and comments.

mod word;

use super::{
    ast::{Position, Word},
    syntax::{END, SyntaxError, SyntaxProblem},
};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A word.
    Word(Word<'a>),
    /// `;`.
    Semicolon,
    /// A newline.
    Newline,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// The end of the text.
    End,
}

impl Token<'_> {
    /// Names it in an error.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::And => "'&&'",
            Self::Or => "'||'",
            Self::Semicolon => "';'",
            Self::Newline => "a new line",
            Self::Word(_) => "a word",
            Self::End => END,
        }
    }
}

/// A place in the text, as cheap as it can be noted; [`Lexer::position`] makes what an error
/// shows of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// The byte.
    at: usize,
    /// The line, counted from 1.
    pub(super) line: u32,
    /// The line's first byte.
    line_start: usize,
}

/// Makes tokens on demand.
pub(super) struct Lexer<'a> {
    text: &'a str,
    spot: Spot,
    /// Bytes that the tree may still take.
    budget: usize,
    /// The text ended right behind a joined line.
    pub(super) ends_joined: bool,
    /// How deep forms (`${a:-${b}}`) are nested here.
    forms: u8,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, budget: usize) -> Self {
        Self {
            text,
            spot: Spot {
                at: 0,
                line: 1,
                line_start: 0,
            },
            budget,
            ends_joined: false,
            forms: 0,
        }
    }

    /// Returns the next token and where it starts.
    pub(super) fn next_token(&mut self) -> Result<(Token<'a>, Spot), SyntaxError> {
        self.skip_blanks();
        let start = self.spot;
        let token = match self.peek() {
            None => Token::End,
            Some(b';') => self.single(Token::Semicolon),
            Some(b'\n') => self.single(Token::Newline),
            Some(b'&') => self.double(b'&', Token::And)?,
            Some(b'|') => self.double(b'|', Token::Or)?,
            Some(_) => Token::Word(self.word()?),
        };
        Ok((token, start))
    }

    /// Returns a place with its column, which is counted in characters.
    pub(super) fn position(&self, spot: Spot) -> Position {
        let before = self.text.get(spot.line_start..spot.at).unwrap_or("");
        // A text has MAX_TEXT bytes at most.
        let column = u32::try_from(before.chars().count()).unwrap_or(0);
        Position {
            line: spot.line,
            column: column + 1,
        }
    }

    /// Makes an error of a problem at a place.
    pub(super) fn error<T>(&self, problem: SyntaxProblem, spot: Spot) -> Result<T, SyntaxError> {
        Err(problem.at(self.position(spot)))
    }

    /// Takes bytes of the tree from the budget.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), SyntaxError> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => self.error(SyntaxProblem::TooLarge, self.spot),
        }
    }

    /// Returns what is left of the budget.
    pub(super) fn budget(&self) -> usize {
        self.budget
    }

    /// Returns a byte behind the next ones.
    fn ahead(&self, by: usize) -> Option<u8> {
        self.text.as_bytes().get(self.spot.at + by).copied()
    }

    /// Returns the next byte without taking it, joined lines behind it. All that means
    /// something is ASCII.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let next = self.ahead(0)?;
            if next != b'\\' || self.ahead(1) != Some(b'\n') {
                return Some(next);
            }
            self.bump();
            self.bump();
            self.ends_joined = self.ahead(0).is_none();
        }
    }

    /// Passes over the next byte, which is ASCII and there.
    fn bump(&mut self) {
        let next = self.ahead(0);
        self.spot.at += 1;
        if next == Some(b'\n') {
            self.spot.line += 1;
            self.spot.line_start = self.spot.at;
        }
    }

    /// Takes the characters before the first byte that `ends`, which is ASCII and includes the
    /// newline. One step for all of them is what makes long scripts fast.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.text.get(self.spot.at..).unwrap_or("");
        let end = rest.bytes().position(ends).unwrap_or(rest.len());
        self.spot.at += end;
        rest.get(..end).unwrap_or("")
    }

    /// Takes the next character, as a piece of the text; nothing at its end.
    fn take_letter(&mut self) -> &'a str {
        let rest = self.text.get(self.spot.at..).unwrap_or("");
        let length = rest.chars().next().map_or(0, char::len_utf8);
        match length {
            1 => self.bump(),
            length => self.spot.at += length,
        }
        rest.get(..length).unwrap_or("")
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => {
                    self.take_until(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
                }
                // To the newline, which is not part of the comment.
                Some(b'#') => {
                    self.take_until(|byte| byte == b'\n');
                }
                _ => return,
            }
        }
    }

    fn single(&mut self, token: Token<'a>) -> Token<'a> {
        self.bump();
        token
    }

    fn double(&mut self, sign: u8, token: Token<'a>) -> Result<Token<'a>, SyntaxError> {
        let start = self.spot;
        self.bump();
        if self.take(sign) {
            Ok(token)
        } else {
            self.error(SyntaxProblem::LoneOperator(char::from(sign)), start)
        }
    }
}
