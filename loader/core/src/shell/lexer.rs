//! Text into tokens.
//!
//! Quoting is POSIX's, which U-Boot's newer parser follows: single quotes keep everything; in
//! double quotes a backslash escapes only `$`, `"`, `\` and a newline; elsewhere it escapes
//! anything. A backslash before a newline joins two lines before anything else is looked at,
//! except in single quotes and comments.

use alloc::string::String;
use core::str::Chars;

use super::{
    ast::{Part, Position, Word},
    parser::{SyntaxError, SyntaxProblem},
};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// `;` or a newline.
    Separator,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// The end of the text.
    End,
}

/// Makes tokens on demand.
pub(super) struct Lexer<'a> {
    rest: Chars<'a>,
    position: Position,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars(),
            position: Position { line: 1, column: 1 },
        }
    }

    /// Returns the next token and where it starts.
    pub(super) fn next_token(&mut self) -> Result<(Token, Position), SyntaxError> {
        self.skip_blanks();
        let start = self.position;
        let token = match self.peek() {
            None => Token::End,
            Some(';' | '\n') => {
                self.bump();
                Token::Separator
            }
            Some('&') => self.double('&', Token::And)?,
            Some('|') => self.double('|', Token::Or)?,
            Some(_) => Token::Word(self.word()?),
        };
        Ok((token, start))
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
                Some('#') => self.skip_comment(),
                _ => return,
            }
        }
    }

    /// Skips to the newline, which is not part of the comment.
    fn skip_comment(&mut self) {
        while !matches!(self.rest.clone().next(), None | Some('\n')) {
            self.bump();
        }
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

    fn word(&mut self) -> Result<Word, SyntaxError> {
        let mut word = WordBuilder::default();
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' => break,
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '$' => self.dollar(&mut word, false)?,
                '\\' => self.backslash(&mut word),
                plain => {
                    self.bump();
                    word.push(plain, false);
                }
            }
        }
        Ok(word.finish())
    }

    fn backslash(&mut self, word: &mut WordBuilder) {
        self.bump();
        match self.bump() {
            Some(escaped) => word.push(escaped, true),
            // At the very end it has nothing to escape.
            None => word.push('\\', true),
        }
    }

    fn single_quoted(&mut self, word: &mut WordBuilder) -> Result<(), SyntaxError> {
        let start = self.position;
        self.bump();
        word.touch_quoted();
        loop {
            match self.bump() {
                None => return Err(SyntaxProblem::Unclosed('\'').at(start)),
                Some('\'') => return Ok(()),
                Some(other) => word.push(other, true),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut WordBuilder) -> Result<(), SyntaxError> {
        let start = self.position;
        self.bump();
        word.touch_quoted();
        while let Some(next) = self.peek() {
            match next {
                '$' => self.dollar(word, true)?,
                '\\' => self.escape_in_quotes(word),
                other => {
                    self.bump();
                    if other == '"' {
                        return Ok(());
                    }
                    word.push(other, true);
                }
            }
        }
        Err(SyntaxProblem::Unclosed('"').at(start))
    }

    fn escape_in_quotes(&mut self, word: &mut WordBuilder) {
        self.bump();
        // Not `peek`: in `\\` and a newline it is the backslash that is escaped.
        match self.rest.clone().next() {
            Some(escaped @ ('$' | '"' | '\\' | '`')) => {
                self.bump();
                word.push(escaped, true);
            }
            _ => word.push('\\', true),
        }
    }

    fn dollar(&mut self, word: &mut WordBuilder, quoted: bool) -> Result<(), SyntaxError> {
        let start = self.position;
        self.bump();
        let mut name = String::new();
        if self.take('{') {
            while !self.take('}') {
                match self.peek() {
                    None | Some('\n') => return Err(SyntaxProblem::Unclosed('{').at(start)),
                    Some(other) => name.push(other),
                }
                self.bump();
            }
            if !is_variable(&name) {
                return Err(SyntaxProblem::BadVariable(name).at(start));
            }
        } else if self.take('?') {
            name.push('?');
        } else {
            while let Some(next) = self.peek()
                && (next.is_ascii_alphanumeric() || next == '_')
            {
                self.bump();
                name.push(next);
            }
        }
        if name.is_empty() {
            word.push('$', quoted);
        } else {
            word.variable(name, quoted);
        }
        Ok(())
    }
}

/// Tells whether `${name}` can be looked up. `:`, `-`, `+`... after a name are left free for
/// the forms `${name:-value}`.
fn is_variable(name: &str) -> bool {
    name == "?"
        || (!name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-,/@".contains(&byte)))
}

/// Collects a word, adjacent characters of one kind in one part.
#[derive(Default)]
struct WordBuilder {
    word: Word,
}

impl WordBuilder {
    fn push(&mut self, next: char, quoted_now: bool) {
        if let Some(Part::Text { text, quoted }) = self.word.parts.last_mut()
            && *quoted == quoted_now
        {
            text.push(next);
            return;
        }
        self.word.parts.push(Part::Text {
            text: String::from(next),
            quoted: quoted_now,
        });
    }

    /// Notes that quotes were opened: they make a word even if nothing is in them.
    fn touch_quoted(&mut self) {
        if !matches!(
            self.word.parts.last(),
            Some(Part::Text { quoted: true, .. })
        ) {
            self.word.parts.push(Part::Text {
                text: String::new(),
                quoted: true,
            });
        }
    }

    fn variable(&mut self, name: String, quoted: bool) {
        self.word.parts.push(Part::Variable { name, quoted });
    }

    fn finish(self) -> Word {
        self.word
    }
}
