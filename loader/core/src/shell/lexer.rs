//! Text into tokens.
//!
//! Quoting is POSIX's, which U-Boot's newer parser follows: single quotes keep everything; in
//! double quotes a backslash escapes only `$`, `"`, `\` and a newline; elsewhere it escapes
//! anything.

use alloc::string::String;
use core::{iter::Peekable, str::Chars};

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
    rest: Peekable<Chars<'a>>,
    position: Position,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            position: Position { line: 1, column: 1 },
        }
    }

    /// Returns the next token and where it starts.
    pub(super) fn next_token(&mut self) -> Result<(Token, Position), SyntaxError> {
        loop {
            self.skip_blanks();
            let start = self.position;
            let token = match self.rest.peek() {
                None => Token::End,
                Some(';' | '\n') => {
                    self.bump();
                    Token::Separator
                }
                Some('&') => self.double('&', Token::And)?,
                Some('|') => self.double('|', Token::Or)?,
                Some(_) => match self.word()? {
                    // Nothing but a backslash before a newline: the line goes on.
                    word if word.parts.is_empty() => continue,
                    word => Token::Word(word),
                },
            };
            return Ok((token, start));
        }
    }

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
        let found = self.rest.peek() == Some(&wanted);
        if found {
            self.bump();
        }
        found
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.rest.peek() {
                Some(' ' | '\t' | '\r') => {
                    self.bump();
                }
                Some('#') => {
                    while self.rest.peek().is_some_and(|next| *next != '\n') {
                        self.bump();
                    }
                }
                _ => return,
            }
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
        while let Some(next) = self.rest.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' => break,
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '$' => self.dollar(&mut word, false)?,
                '\\' => self.backslash(&mut word),
                _ => {
                    if let Some(plain) = self.bump() {
                        word.push(plain, false);
                    }
                }
            }
        }
        Ok(word.finish())
    }

    fn backslash(&mut self, word: &mut WordBuilder) {
        self.bump();
        match self.bump() {
            // A backslash joins lines; at the very end it has nothing to do.
            Some('\n') | None => {}
            Some(escaped) => word.push(escaped, true),
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
        loop {
            if self.rest.peek() == Some(&'$') {
                self.dollar(word, true)?;
                continue;
            }
            match self.bump() {
                None => return Err(SyntaxProblem::Unclosed('"').at(start)),
                Some('"') => return Ok(()),
                Some('\\') => self.escape_in_quotes(word),
                Some(other) => word.push(other, true),
            }
        }
    }

    fn escape_in_quotes(&mut self, word: &mut WordBuilder) {
        match self.rest.peek() {
            Some('\n') => {
                self.bump();
            }
            Some(&escaped @ ('$' | '"' | '\\' | '`')) => {
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
            loop {
                match self.bump() {
                    None | Some('\n') => return Err(SyntaxProblem::Unclosed('{').at(start)),
                    Some('}') => break,
                    Some(other) => name.push(other),
                }
            }
            if !is_variable(&name) {
                return Err(SyntaxProblem::BadVariable(name).at(start));
            }
        } else if self.take('?') {
            name.push('?');
        } else {
            while let Some(&next) = self.rest.peek()
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
