//! Text into tokens.
//!
//! Quoting is POSIX's, which U-Boot's newer parser follows: single quotes keep everything; in
//! double quotes a backslash escapes only `$`, `"`, `\`, `` ` `` and a newline; elsewhere it
//! escapes anything. A backslash before a newline joins two lines before anything else is
//! looked at, except in single quotes and comments.

mod word;

use core::str::Chars;

use super::{
    ast::{Position, Word},
    syntax::{END, SyntaxError, SyntaxProblem},
};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Word),
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

impl Token {
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

/// Makes tokens on demand.
pub(super) struct Lexer<'a> {
    rest: Chars<'a>,
    position: Position,
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
            rest: text.chars(),
            position: Position { line: 1, column: 1 },
            budget,
            ends_joined: false,
            forms: 0,
        }
    }

    /// Returns the next token and where it starts.
    pub(super) fn next_token(&mut self) -> Result<(Token, Position), SyntaxError> {
        self.skip_blanks();
        let start = self.position;
        let token = match self.peek() {
            None => Token::End,
            Some(';') => self.single(Token::Semicolon),
            Some('\n') => self.single(Token::Newline),
            Some('&') => self.double('&', Token::And)?,
            Some('|') => self.double('|', Token::Or)?,
            Some(_) => Token::Word(self.word()?),
        };
        Ok((token, start))
    }

    /// Takes bytes of the tree from the budget.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), SyntaxError> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(SyntaxProblem::TooLarge.at(self.position)),
        }
    }

    /// Returns what is left of the budget.
    pub(super) fn budget(&self) -> usize {
        self.budget
    }

    /// Returns the next character without taking it, joined lines behind it.
    fn peek(&mut self) -> Option<char> {
        loop {
            let mut ahead = self.rest.clone();
            let next = ahead.next()?;
            if next != '\\' || ahead.next() != Some('\n') {
                return Some(next);
            }
            self.bump();
            self.bump();
            self.ends_joined = self.rest.as_str().is_empty();
        }
    }

    /// Takes the next character, whatever it is.
    fn bump(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.position.line += 1;
            self.position.column = 1;
        } else {
            self.position.column += 1;
        }
        Some(next)
    }

    /// Takes the characters before the first byte that `ends`, which is ASCII and includes the
    /// newline. One step for all of them is what makes long scripts fast.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest.as_str();
        let end = rest.bytes().position(ends).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.rest = after.chars();
        // At most MAX_TEXT characters.
        let columns = run.bytes().filter(|byte| byte & 0xc0 != 0x80).count();
        self.position.column += u32::try_from(columns).unwrap_or(0);
        run
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => {
                    self.bump();
                }
                // To the newline, which is not part of the comment.
                Some('#') => {
                    self.take_until(|byte| byte == b'\n');
                }
                _ => return,
            }
        }
    }

    fn single(&mut self, token: Token) -> Token {
        self.bump();
        token
    }

    fn double(&mut self, sign: char, token: Token) -> Result<Token, SyntaxError> {
        let start = self.position;
        self.bump();
        if self.take(sign) {
            Ok(token)
        } else {
            Err(SyntaxProblem::LoneOperator(sign).at(start))
        }
    }
}
