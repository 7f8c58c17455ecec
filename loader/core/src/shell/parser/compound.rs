//! `if`, `for`, `while`, `until`.

use alloc::{borrow::Cow, vec::Vec};

use super::{Parser, is_variable_name, push};
use crate::shell::{
    ast::{For, If, List, Part, While, Word},
    lexer::{Spot, Token},
    syntax::{SyntaxError, SyntaxProblem},
};

/// A word with a meaning of its own, where a command may start and nothing of it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Not,
    If,
    Then,
    Elif,
    Else,
    Fi,
    For,
    While,
    Until,
    Do,
    Done,
}

/// Each keyword; as an error quotes it; and what it must come after, for one that cannot start
/// a command.
const KEYWORDS: &[(Keyword, &str, Option<&str>)] = &[
    (Keyword::Not, "'!'", None),
    (Keyword::If, "'if'", None),
    (Keyword::Then, "'then'", Some("if")),
    (Keyword::Elif, "'elif'", Some("if")),
    (Keyword::Else, "'else'", Some("if")),
    (Keyword::Fi, "'fi'", Some("if")),
    (Keyword::For, "'for'", None),
    (Keyword::While, "'while'", None),
    (Keyword::Until, "'until'", None),
    (Keyword::Do, "'do'", Some("for' or 'while")),
    (Keyword::Done, "'done'", Some("for' or 'while")),
];

impl Keyword {
    pub(super) fn of(word: &Word<'_>) -> Option<Self> {
        let text = word.plain()?;
        // The length first: every command comes by here.
        let found = KEYWORDS.iter().find(|(_, quoted, _)| {
            quoted.len() == text.len() + 2 && quoted.get(1..=text.len()) == Some(text)
        });
        found.map(|(keyword, ..)| *keyword)
    }

    /// Returns it as an error quotes it.
    pub(super) fn quoted(self) -> &'static str {
        KEYWORDS
            .iter()
            .find(|(keyword, ..)| *keyword == self)
            .map_or("", |(_, quoted, _)| quoted)
    }

    pub(super) fn name(self) -> &'static str {
        self.quoted().trim_matches('\'')
    }

    /// Returns what must have come before, for a keyword that cannot start a command.
    pub(super) fn opener(self) -> Option<&'static str> {
        let found = KEYWORDS.iter().find(|(keyword, ..)| *keyword == self);
        found.and_then(|(.., opener)| *opener)
    }

    /// Tells whether a list ends before it.
    pub(super) fn ends(self) -> bool {
        self.opener().is_some()
    }
}

/// The keyword that began a compound command, for its errors.
#[derive(Clone, Copy)]
struct Opener {
    keyword: Keyword,
    spot: Spot,
}

impl<'a> Parser<'a> {
    fn opener(&mut self, keyword: Keyword) -> Result<Opener, SyntaxError> {
        let spot = self.spot;
        self.advance()?;
        Ok(Opener { keyword, spot })
    }

    /// `if list then list { elif list then list } [ else list ] fi`
    pub(super) fn if_command(&mut self) -> Result<If<'a>, SyntaxError> {
        let opener = self.opener(Keyword::If)?;
        let mut arms = Vec::new();
        loop {
            let condition = self.condition(opener)?;
            self.expect(Keyword::Then, "'then'", opener)?;
            push(&mut arms, (condition, self.list()?));
            if self.keyword() != Some(Keyword::Elif) {
                break;
            }
            self.advance()?;
        }
        let mut otherwise = None;
        let mut wanted = "'elif', 'else' or 'fi'";
        if self.keyword() == Some(Keyword::Else) {
            self.advance()?;
            otherwise = Some(self.list()?);
            wanted = "'fi'";
        }
        self.expect(Keyword::Fi, wanted, opener)?;
        self.separated()?;
        Ok(If { arms, otherwise })
    }

    /// `for name in { word } (';' | newline) do list done`
    pub(super) fn for_command(&mut self) -> Result<For<'a>, SyntaxError> {
        let opener = self.opener(Keyword::For)?;
        let name = self.loop_variable(opener)?;
        match &self.token {
            Token::Word(word) if word.plain() == Some("in") => self.advance()?,
            _ => return self.expected("'in'", opener),
        };
        let mut words = Vec::new();
        while matches!(self.token, Token::Word(_)) {
            if let Token::Word(word) = self.advance()? {
                push(&mut words, word);
            }
        }
        if !matches!(self.token, Token::Semicolon | Token::Newline) {
            return self.expected("';' or a new line", opener);
        }
        self.skip_separators()?;
        Ok(For {
            line: opener.spot.line,
            name,
            words,
            body: self.body(opener)?,
        })
    }

    fn loop_variable(&mut self, opener: Opener) -> Result<Cow<'a, str>, SyntaxError> {
        let Token::Word(word) = &self.token else {
            return self.expected("a variable", opener);
        };
        if !word.plain().is_some_and(is_variable_name) {
            return self.error(SyntaxProblem::BadLoopVariable);
        }
        match self.advance()? {
            Token::Word(Word {
                first: Some(Part::Text { text, .. }),
                ..
            }) => Ok(text),
            _ => Ok(Cow::Borrowed("")),
        }
    }

    /// `while list do list done`, or `until`.
    pub(super) fn while_command(&mut self) -> Result<While<'a>, SyntaxError> {
        let keyword = self.keyword().unwrap_or(Keyword::While);
        let opener = self.opener(keyword)?;
        Ok(While {
            until: keyword == Keyword::Until,
            condition: self.condition(opener)?,
            body: self.body(opener)?,
        })
    }

    /// A list that decides: one command at least.
    fn condition(&mut self, opener: Opener) -> Result<List<'a>, SyntaxError> {
        let list = self.list()?;
        if list.chains.is_empty() {
            return self.expected("a command", opener);
        }
        Ok(list)
    }

    /// `do list done`
    fn body(&mut self, opener: Opener) -> Result<List<'a>, SyntaxError> {
        self.expect(Keyword::Do, "'do'", opener)?;
        let list = self.list()?;
        self.expect(Keyword::Done, "'done'", opener)?;
        self.separated()?;
        Ok(list)
    }

    fn expect(
        &mut self,
        keyword: Keyword,
        wanted: &'static str,
        opener: Opener,
    ) -> Result<(), SyntaxError> {
        if self.keyword() != Some(keyword) {
            return self.expected(wanted, opener);
        }
        self.advance()?;
        Ok(())
    }

    fn expected<T>(&self, wanted: &'static str, opener: Opener) -> Result<T, SyntaxError> {
        let found = self.keyword().map(Keyword::quoted);
        let problem = SyntaxProblem::Expected {
            wanted,
            opener: opener.keyword.name(),
            opened: self.lexer.position(opener.spot),
            found: found.unwrap_or_else(|| self.token.describe()),
        };
        self.error(problem)
    }

    /// Checks that no word follows the end of a compound command: `fi echo`.
    fn separated(&self) -> Result<(), SyntaxError> {
        match (&self.token, self.keyword()) {
            (Token::Word(_), Some(keyword)) if keyword.ends() => Ok(()),
            (Token::Word(_), keyword) => {
                let found = keyword.map_or("a word", Keyword::quoted);
                self.error(SyntaxProblem::MissingSeparator(found))
            }
            _ => Ok(()),
        }
    }
}
