//! The language, for any text.

use baton_core::{
    env::Environment,
    shell::{
        ast::{Chain, Command, Connector, List, Part, Position, Simple, Word},
        expand, parse,
    },
};
use proptest::prelude::*;

/// Writes a tree so that it can be read again.
fn print(list: &List) -> String {
    let chains = list.chains.iter().map(|chain| {
        let rest = chain.rest.iter().map(|(connector, command)| {
            let sign = match connector {
                Connector::And => " && ",
                Connector::Or => " || ",
            };
            sign.to_owned() + &print_command(command)
        });
        print_command(&chain.first) + &rest.collect::<String>()
    });
    chains.collect::<Vec<_>>().join("; ")
}

fn print_command(Command::Simple(simple): &Command) -> String {
    let words = simple.words.iter().map(|word| {
        let parts = word.parts.iter().map(|part| match part {
            Part::Text { text, quoted: true } => format!("'{}'", text.replace('\'', "'\\''")),
            Part::Text { text, .. } => text.clone(),
            Part::Variable { name, quoted: true } => format!("\"${{{name}}}\""),
            Part::Variable { name, .. } => format!("${{{name}}}"),
        });
        parts.collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Puts every command at one place, and drops the empty texts that only print as quotes.
fn normalize(mut list: List) -> List {
    let simplify = |command: &mut Command| {
        let Command::Simple(Simple { position, words }) = command;
        *position = Position { line: 1, column: 1 };
        words.iter_mut().for_each(merge);
    };
    for Chain { first, rest } in &mut list.chains {
        simplify(first);
        rest.iter_mut().for_each(|(_, command)| simplify(command));
    }
    list
}

/// Drops empty texts beside other parts: `"$a"` begins with one, and need not.
fn merge(word: &mut Word) {
    if word.parts.len() > 1 {
        word.parts
            .retain(|part| !matches!(part, Part::Text { text, .. } if text.is_empty()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_parses_or_names_its_error(text in any::<String>()) {
        if let Err(error) = parse(&text) {
            prop_assert!(error.to_string().starts_with("syntax error at line "));
        }
    }

    #[test]
    fn printing_and_parsing_again_agree(text in "[ab$?{}'\"\\\\;&|# \n=.]{0,40}") {
        if let Ok(list) = parse(&text) {
            let printed = print(&list);
            let again = parse(&printed);
            prop_assert_eq!(again.map(normalize), Ok(normalize(list)), "printed: {}", printed);
        }
    }

    #[test]
    fn single_quotes_keep_any_text(text in "[^']{0,60}") {
        let quoted = format!("'{text}'");
        let list = parse(&quoted);
        let Ok([Chain { first: Command::Simple(simple), .. }]) = list.as_ref().map(|list| list.chains.as_slice()) else {
            return Err(TestCaseError::fail(format!("{list:?}")));
        };
        prop_assert_eq!(expand(&simple.words, &Environment::default(), 0), Ok(vec![text]));
    }

    #[test]
    fn a_quoted_variable_is_one_argument(value in any::<String>()) {
        let mut env = Environment::default();
        env.set("a", &value);
        let list = parse("x \"$a\"");
        let Ok([Chain { first: Command::Simple(simple), .. }]) = list.as_ref().map(|list| list.chains.as_slice()) else {
            return Err(TestCaseError::fail(format!("{list:?}")));
        };
        prop_assert_eq!(expand(&simple.words, &env, 0), Ok(vec!["x".to_owned(), value]));
    }
}

#[test]
fn expansion_is_bounded() {
    let mut env = Environment::default();
    env.set("a", &"x ".repeat(300));
    env.set("b", &"x".repeat(40_000));
    for (text, message) in [
        ("echo $a", "more than 256 arguments"),
        ("echo \"$b$b\"", "the arguments take more than 65536 bytes"),
    ] {
        let list = parse(text).unwrap();
        let Command::Simple(simple) = &list.chains[0].first;
        let error = expand(&simple.words, &env, 0).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let long = parse(&"x".repeat(0x1_0001)).unwrap_err();
    assert_eq!(
        long.to_string(),
        "syntax error at line 1, column 1: 65537 bytes are more than 65536"
    );
}

#[test]
fn lines_are_counted_and_joined() {
    let error = parse("echo a\n\n  echo 'b\nc' | d").unwrap_err();
    assert_eq!(error.position, Position { line: 4, column: 4 });
    let list = parse("echo a\\\nb \\\n c # d\necho \"e\\\nf\"\n\\\n").unwrap();
    assert_eq!(print(&list), "echo ab c; echo 'ef'");
    let list = parse("echo \"a\\\\\nb\"").unwrap();
    assert_eq!(print(&list), "echo 'a\\\nb'");
    assert_eq!(parse("\\\n# no word"), Ok(List::default()));
}
