//! Prints a tree on one line, so that parsing the text gives the tree again.

use core::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Assignment, Chain, Command, Connector, For, Form, If, List, Part, Simple, While, Word,
};

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        separated(f, &self.chains, "; ")
    }
}

fn separated<T: Display>(f: &mut Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|(connector, command)| {
            f.write_str(match connector {
                Connector::And => " && ",
                Connector::Or => " || ",
            })?;
            command.fmt(f)
        })
    }
}

impl Display for Command<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(simple) => simple.fmt(f),
            Self::Not(command) => write!(f, "! {command}"),
            Self::If(command) => command.fmt(f),
            Self::For(command) => command.fmt(f),
            Self::While(command) => command.fmt(f),
        }
    }
}

impl Display for Simple<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        separated(f, &self.assignments, " ")?;
        if !self.assignments.is_empty() && !self.words.is_empty() {
            f.write_char(' ')?;
        }
        separated(f, &self.words, " ")
    }
}

impl Display for Assignment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl Display for If<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, (condition, body)) in self.arms.iter().enumerate() {
            f.write_str(if index == 0 { "if " } else { "elif " })?;
            write!(f, "{condition}; then {}", Body(body))?;
        }
        if let Some(otherwise) = &self.otherwise {
            write!(f, "else {}", Body(otherwise))?;
        }
        f.write_str("fi")
    }
}

impl Display for For<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "for {} in", self.name)?;
        for word in &self.words {
            write!(f, " {word}")?;
        }
        write!(f, "; do {}done", Body(&self.body))
    }
}

impl Display for While<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.until { "until " } else { "while " })?;
        write!(f, "{}; do {}done", self.condition, Body(&self.body))
    }
}

/// A list before a keyword; may be empty.
struct Body<'a>(&'a List<'a>);

impl Display for Body<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.chains.as_slice() {
            [] => Ok(()),
            _ => write!(f, "{}; ", self.0),
        }
    }
}

impl Display for Word<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.parts().try_for_each(|part| part.fmt(f))
    }
}

impl Display for Part<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { text, quoted: true } => {
                f.write_char('\'')?;
                for (index, piece) in text.split('\'').enumerate() {
                    f.write_str(if index > 0 { "'\\''" } else { "" })?;
                    f.write_str(piece)?;
                }
                f.write_char('\'')
            }
            Self::Text { text, .. } => f.write_str(text),
            Self::Variable { quoted: true, .. } => {
                f.write_char('"')?;
                in_quotes(f, self)?;
                f.write_char('"')
            }
            Self::Variable { name, form, .. } => variable(f, name, form.as_deref(), false),
        }
    }
}

/// Writes a part that stands between double quotes, or in a form that does.
fn in_quotes(f: &mut Formatter<'_>, part: &Part<'_>) -> fmt::Result {
    match part {
        Part::Text { text, .. } => text.chars().try_for_each(|letter| {
            if matches!(letter, '$' | '"' | '\\' | '}') {
                f.write_char('\\')?;
            }
            f.write_char(letter)
        }),
        Part::Variable { name, form, .. } => variable(f, name, form.as_deref(), true),
    }
}

fn variable(
    f: &mut Formatter<'_>,
    name: &str,
    form: Option<&Form<'_>>,
    quoted: bool,
) -> fmt::Result {
    write!(f, "${{{name}")?;
    if let Some(form) = form {
        f.write_str(if form.colon { ":" } else { "" })?;
        f.write_char(form.action.sign())?;
        for part in form.word.parts() {
            match quoted {
                true => in_quotes(f, part)?,
                false => part.fmt(f)?,
            }
        }
    }
    f.write_char('}')
}
