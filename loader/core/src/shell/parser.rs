//! Tokens into a tree, by recursive descent: one function for each form of the language.

mod compound;

use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};

use super::{
    ast::{Assignment, Chain, Command, Connector, List, Part, Position, Simple, Word},
    lexer::{Lexer, Spot, Token},
    syntax::{MAX_NESTING, MAX_TEXT, MAX_TREE, SyntaxError, SyntaxProblem},
};
use compound::Keyword;

/// About what a command takes of the heap beside its words: itself, its place in the vectors,
/// and what the allocator adds.
const COMMAND_COST: usize = 144;

/// Parses a text.
///
/// # Errors
/// Names what is wrong, and where.
pub fn parse(text: &str) -> Result<List<'_>, SyntaxError> {
    parse_within(text, MAX_TREE).map(|(list, _)| list)
}

/// Parses a text into a tree that takes `budget` bytes at most; returns also how many it takes,
/// about.
pub(super) fn parse_within(text: &str, budget: usize) -> Result<(List<'_>, usize), SyntaxError> {
    let mut parser = Parser::new(text, budget)?;
    let list = parser.whole()?;
    Ok((list, budget.saturating_sub(parser.lexer.budget())))
}

/// Tells whether a text ends inside a command: what follows on the next line can complete it.
pub fn is_incomplete(text: &str) -> bool {
    let mut joined = false;
    let parsed = Parser::new(text, MAX_TREE).and_then(|mut parser| {
        parser.whole()?;
        joined = parser.lexer.ends_joined;
        Ok(())
    });
    match parsed {
        Ok(()) => joined,
        Err(error) => error.is_open(),
    }
}

/// The lexer and the one token it is ahead.
struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    spot: Spot,
    depth: u8,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, budget: usize) -> Result<Self, SyntaxError> {
        let start = Position { line: 1, column: 1 };
        if text.len() > MAX_TEXT {
            return Err(SyntaxProblem::TooLong(text.len()).at(start));
        }
        let mut lexer = Lexer::new(text, budget);
        let (token, spot) = lexer.next_token()?;
        Ok(Self {
            lexer,
            token,
            spot,
            depth: 0,
        })
    }

    /// Steps on, and returns the token left behind.
    fn advance(&mut self) -> Result<Token<'a>, SyntaxError> {
        let (token, spot) = self.lexer.next_token()?;
        self.spot = spot;
        Ok(core::mem::replace(&mut self.token, token))
    }

    /// Everything to the end.
    fn whole(&mut self) -> Result<List<'a>, SyntaxError> {
        let list = self.list()?;
        match self.token {
            Token::End => Ok(list),
            _ => self.missing_command(),
        }
    }

    fn skip_separators(&mut self) -> Result<(), SyntaxError> {
        while matches!(self.token, Token::Semicolon | Token::Newline) {
            self.advance()?;
        }
        Ok(())
    }

    fn skip_newlines(&mut self) -> Result<(), SyntaxError> {
        while self.token == Token::Newline {
            self.advance()?;
        }
        Ok(())
    }

    /// Returns the keyword that the token is, where one may be.
    fn keyword(&self) -> Option<Keyword> {
        match &self.token {
            Token::Word(word) => Keyword::of(word),
            _ => None,
        }
    }

    /// `[chain] { (';' | newline) [chain] }`, up to a token that cannot start a command.
    fn list(&mut self) -> Result<List<'a>, SyntaxError> {
        let mut list = List::default();
        self.skip_separators()?;
        while matches!(self.token, Token::Word(_)) && !self.keyword().is_some_and(Keyword::ends) {
            push(&mut list.chains, self.chain()?);
            self.skip_separators()?;
        }
        Ok(list)
    }

    /// `command { ('&&' | '||') command }`; a new line may follow the connector.
    fn chain(&mut self) -> Result<Chain<'a>, SyntaxError> {
        let first = self.command()?;
        let mut rest = Vec::new();
        loop {
            let connector = match self.token {
                Token::And => Connector::And,
                Token::Or => Connector::Or,
                _ => return Ok(Chain { first, rest }),
            };
            self.advance()?;
            self.skip_newlines()?;
            push(&mut rest, (connector, self.command()?));
        }
    }

    /// A command: an unquoted keyword as its first word starts a compound one.
    fn command(&mut self) -> Result<Command<'a>, SyntaxError> {
        self.lexer.charge(COMMAND_COST)?;
        let Some(keyword) = self.keyword() else {
            return self.simple().map(Command::Simple);
        };
        if self.depth >= MAX_NESTING {
            return self.error(SyntaxProblem::TooDeep);
        }
        self.depth += 1;
        let command = match keyword {
            Keyword::Not => {
                self.advance()?;
                Command::Not(Box::new(self.command()?))
            }
            Keyword::If => Command::If(Box::new(self.if_command()?)),
            Keyword::For => Command::For(Box::new(self.for_command()?)),
            Keyword::While | Keyword::Until => Command::While(Box::new(self.while_command()?)),
            _ => return self.missing_command(),
        };
        self.depth -= 1;
        Ok(command)
    }

    /// `{ name=value } { word }`
    fn simple(&mut self) -> Result<Simple<'a>, SyntaxError> {
        let line = self.spot.line;
        let mut assignments = Vec::new();
        let mut words = Vec::new();
        while matches!(self.token, Token::Word(_)) {
            let Token::Word(mut word) = self.advance()? else {
                break;
            };
            // Behind the first word of the command, `a=b` is an argument.
            let name = words.is_empty().then(|| take_name(&mut word)).flatten();
            match name {
                Some(name) => {
                    self.lexer.charge(COMMAND_COST / 4)?;
                    push(&mut assignments, Assignment { name, value: word });
                }
                None => push(&mut words, word),
            }
        }
        if assignments.is_empty() && words.is_empty() {
            return self.missing_command();
        }
        Ok(Simple {
            line,
            assignments,
            words,
        })
    }

    /// Makes an error of a problem at the token.
    fn error<T>(&self, problem: SyntaxProblem) -> Result<T, SyntaxError> {
        self.lexer.error(problem, self.spot)
    }

    fn missing_command<T>(&self) -> Result<T, SyntaxError> {
        let problem = match self.keyword() {
            Some(keyword) => match keyword.opener() {
                // `! fi`, `a && fi`: the opener may be there, the command is what is missing.
                Some(_) if self.depth > 0 => SyntaxProblem::MissingCommand(keyword.quoted()),
                Some(opener) => SyntaxProblem::Stray {
                    keyword: keyword.name(),
                    opener,
                },
                None => SyntaxProblem::MissingCommand(keyword.quoted()),
            },
            None => SyntaxProblem::MissingCommand(self.token.describe()),
        };
        self.error(problem)
    }
}

/// Adds to a vector that seldom gets a second item: the first is not given room for four.
fn push<T>(items: &mut Vec<T>, item: T) {
    if items.is_empty() {
        items.reserve_exact(1);
    }
    items.push(item);
}

/// Tells whether a shell variable can be called so.
pub(super) fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Takes the name and the `=` off a word that is an assignment, where nothing of both may be
/// quoted.
fn take_name<'a>(word: &mut Word<'a>) -> Option<Cow<'a, str>> {
    let Some(Part::Text {
        text,
        quoted: false,
    }) = &mut word.first
    else {
        return None;
    };
    let at = text.find('=').filter(|at| {
        let name = text.get(..*at);
        name.is_some_and(is_variable_name)
    })?;
    let (name, value): (Cow<'a, str>, Cow<'a, str>) = match text {
        Cow::Borrowed(text) => (text.get(..at)?.into(), text.get(at + 1..)?.into()),
        Cow::Owned(text) => {
            let value = String::from(text.get(at + 1..)?);
            text.truncate(at);
            (core::mem::take(text).into(), value.into())
        }
    };
    *text = value;
    if text.is_empty() && !word.rest.is_empty() {
        word.first = Some(word.rest.remove(0));
    } else if text.is_empty() {
        word.first = None;
    }
    Some(name)
}
