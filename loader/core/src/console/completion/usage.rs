//! What a command takes where, read from its usage.
//!
//! A form is a line of the usage; its words are subcommands (`fdt print`) or names of what is
//! to be given (`<interface>`, `name`). Which is which: angle or square brackets and capitals
//! make a name, and so does a word that all forms have in that place (`md address`).

use alloc::{string::String, vec::Vec};

use crate::commands::Command;

/// What can stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// This word.
    Word(&'static str),
    /// The name of a command.
    Command,
    /// The name of a variable.
    Variable,
    /// The interface of a disk.
    Interface,
    /// The number of a disk, of the interface `back` words before.
    Device,
    /// A file. On the volume that the words before name, else on the default one.
    File,
    /// A path in the device tree.
    TreePath,
}

/// A word of a form.
#[derive(Clone, Copy)]
struct Token {
    text: &'static str,
    /// It has no brackets and no capitals.
    bare: bool,
    /// What follows has brackets of its own: a bare word before it is a subcommand.
    before_angle: bool,
}

/// Tells `found` what may stand behind `arguments`.
pub(super) fn expected(command: &Command, arguments: &[String], mut found: impl FnMut(Kind)) {
    let given: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|word| !is_option(word))
        .collect();
    let mut forms: Vec<Vec<Token>> = command.usage.lines().filter_map(tokens).collect();
    for (place, word) in given.iter().enumerate() {
        let words = has_words(&forms, place);
        let exact = forms.iter().any(|form| {
            token(form, place).is_some_and(|token| words && token.bare && token.text == *word)
        });
        forms.retain(|form| match token(form, place) {
            Some(token) if words && token.bare => {
                token.text == *word || (!exact && token.text.starts_with(word))
            }
            Some(_) => true,
            None => false,
        });
    }
    let words = has_words(&forms, given.len());
    for form in &forms {
        match token(form, given.len()) {
            Some(token) if words && token.bare => found(Kind::Word(token.text)),
            Some(token) => kind(token.text).into_iter().for_each(&mut found),
            None => {}
        }
    }
}

/// Returns the word of a form in a place; `...` repeats the one before it.
fn token(form: &[Token], place: usize) -> Option<Token> {
    match form.get(place) {
        Some(token) if token.text != "..." => Some(*token),
        _ => match form {
            [.., repeated, last] if last.text == "..." && place + 1 >= form.len() => {
                Some(*repeated)
            }
            _ => None,
        },
    }
}

/// Tells whether bare words in this place are to be typed as they are.
fn has_words(forms: &[Vec<Token>], place: usize) -> bool {
    let mut bare = forms
        .iter()
        .filter_map(|form| token(form, place))
        .filter(|token| token.bare);
    let Some(first) = bare.next() else {
        return false;
    };
    first.before_angle || bare.any(|other| other.text != first.text)
}

fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

/// Splits a form: without options, widths, and what explains it.
fn tokens(form: &'static str) -> Option<Vec<Token>> {
    if form.starts_with([' ', '\t']) {
        return None;
    }
    let form = form.split(" - ").next()?;
    let mut tokens: Vec<Token> = Vec::new();
    let mut depth = 0_i32;
    for word in form.split_ascii_whitespace() {
        let text = word.trim_matches(['[', ']', '<', '>', ',']);
        let bare = depth == 0
            && text.len() == word.len()
            && !text
                .bytes()
                .any(|byte| byte.is_ascii_uppercase() || b":*|#".contains(&byte));
        let count = |letter| i32::try_from(word.matches(letter).count()).unwrap_or(0);
        depth += count('[') - count(']');
        if is_option(text) || (text.starts_with('.') && text != "...") {
            continue;
        }
        if let (Some(last), true) = (tokens.last_mut(), word.starts_with('<')) {
            last.before_angle = true;
        }
        tokens.push(Token {
            text,
            bare,
            before_angle: false,
        });
    }
    Some(tokens)
}

/// Tells what a name in a form stands for.
fn kind(name: &'static str) -> Option<Kind> {
    let is = |word: &str| name.eq_ignore_ascii_case(word);
    let begins = |word: &str| {
        name.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if begins("interface") {
        Some(Kind::Interface)
    } else if begins("dev") {
        Some(Kind::Device)
    } else if begins("file")
        || begins("dir")
        || begins("image")
        || begins("initrd")
        || is("FDT|-")
        || name.ends_with("FILE")
    {
        Some(Kind::File)
    } else if begins("var") || is("name") {
        Some(Kind::Variable)
    } else if is("command") {
        Some(Kind::Command)
    } else if is("path") || is("node") {
        Some(Kind::TreePath)
    } else {
        None
    }
}
