//! Tokens into a tree, by recursive descent: one function for each form of the language.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::{
    ast::{Chain, Command, Connector, List, Position, Simple},
    lexer::{Lexer, Token},
};

/// Bytes of the longest text that is parsed.
pub const MAX_TEXT: usize = 0x1_0000;

/// Parses a text.
///
/// # Errors
/// Names what is wrong, and where.
pub fn parse(text: &str) -> Result<List, SyntaxError> {
    if text.len() > MAX_TEXT {
        let start = Position { line: 1, column: 1 };
        return Err(SyntaxProblem::TooLong(text.len()).at(start));
    }
    let mut parser = Parser::new(text)?;
    let list = parser.list()?;
    match parser.token {
        Token::End => Ok(list),
        _ => Err(parser.missing_command()),
    }
}

/// The lexer and the one token it is ahead.
struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    position: Position,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, SyntaxError> {
        let mut lexer = Lexer::new(text);
        let (token, position) = lexer.next_token()?;
        Ok(Self {
            lexer,
            token,
            position,
        })
    }

    /// Steps on, and returns the token left behind.
    fn advance(&mut self) -> Result<Token, SyntaxError> {
        let (token, position) = self.lexer.next_token()?;
        self.position = position;
        Ok(core::mem::replace(&mut self.token, token))
    }

    fn skip_separators(&mut self) -> Result<(), SyntaxError> {
        while self.token == Token::Separator {
            self.advance()?;
        }
        Ok(())
    }

    /// `[chain] { (';' | newline) [chain] }`, up to a token that cannot start a command.
    fn list(&mut self) -> Result<List, SyntaxError> {
        let mut list = List::default();
        self.skip_separators()?;
        while matches!(self.token, Token::Word(_)) {
            list.chains.push(self.chain()?);
            self.skip_separators()?;
        }
        Ok(list)
    }

    /// `command { ('&&' | '||') command }`
    fn chain(&mut self) -> Result<Chain, SyntaxError> {
        let first = self.command()?;
        let mut rest = Vec::new();
        loop {
            let connector = match self.token {
                Token::And => Connector::And,
                Token::Or => Connector::Or,
                _ => return Ok(Chain { first, rest }),
            };
            self.advance()?;
            rest.push((connector, self.command()?));
        }
    }

    /// A command. An unquoted keyword in the first word will start a compound one here.
    fn command(&mut self) -> Result<Command, SyntaxError> {
        self.simple().map(Command::Simple)
    }

    /// `word { word }`
    fn simple(&mut self) -> Result<Simple, SyntaxError> {
        let position = self.position;
        let mut words = Vec::new();
        while matches!(self.token, Token::Word(_)) {
            if let Token::Word(word) = self.advance()? {
                words.push(word);
            }
        }
        if words.is_empty() {
            return Err(self.missing_command());
        }
        Ok(Simple { position, words })
    }

    fn missing_command(&self) -> SyntaxError {
        let found = match self.token {
            Token::And => "'&&'",
            Token::Or => "'||'",
            Token::Separator => "';' or a new line",
            Token::Word(_) => "a word",
            Token::End => "the end",
        };
        SyntaxProblem::MissingCommand(found).at(self.position)
    }
}

/// A syntax error and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// What.
    pub problem: SyntaxProblem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxProblem {
    /// A quote or brace that is never closed.
    Unclosed(char),
    /// `&` or `|` alone.
    LoneOperator(char),
    /// `${...}` with something that is no name.
    BadVariable(String),
    /// A command was expected before this.
    MissingCommand(&'static str),
    /// More bytes than [`MAX_TEXT`].
    TooLong(usize),
}

impl SyntaxProblem {
    pub(super) fn at(self, position: Position) -> SyntaxError {
        SyntaxError {
            position,
            problem: self,
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, problem } = self;
        write!(f, "syntax error at {position}: {problem}")
    }
}

impl fmt::Display for SyntaxProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed('{') => f.write_str("${ without }"),
            Self::Unclosed(quote) => write!(f, "{quote} without a closing {quote}"),
            Self::LoneOperator(sign) => {
                write!(f, "a single '{sign}'; did you mean '{sign}{sign}'?")
            }
            Self::BadVariable(name) => write!(f, "${{{name}}} does not name a variable"),
            Self::MissingCommand(found) => write!(f, "a command is missing before {found}"),
            Self::TooLong(bytes) => write!(f, "{bytes} bytes are more than {MAX_TEXT}"),
        }
    }
}

impl core::error::Error for SyntaxError {}
