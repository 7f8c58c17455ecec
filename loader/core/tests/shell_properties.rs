//! The language, for any text.

use baton_core::{
    env::Environment,
    shell::{
        Locals, MAX_FORMS, MAX_NESTING, MAX_TEXT, Scope,
        ast::{Chain, Command, For, If, List, Part, Position, Simple, While, Word},
        expand, is_incomplete, parse,
    },
};
use proptest::prelude::*;

/// Puts every command at one place, and drops the empty texts that only print as quotes.
fn normalize(mut list: List<'_>) -> List<'_> {
    normalize_list(&mut list);
    list
}

fn normalize_list(list: &mut List<'_>) {
    for Chain { first, rest } in &mut list.chains {
        normalize_command(first);
        rest.iter_mut()
            .for_each(|(_, command)| normalize_command(command));
    }
}

fn normalize_command(command: &mut Command<'_>) {
    match command {
        Command::Simple(Simple {
            line,
            assignments,
            words,
        }) => {
            *line = 1;
            words.iter_mut().for_each(normalize_word);
            for assignment in assignments {
                normalize_word(&mut assignment.value);
            }
        }
        Command::Not(command) => normalize_command(command),
        Command::If(command) => {
            let If { arms, otherwise } = &mut **command;
            for (condition, body) in arms {
                normalize_list(condition);
                normalize_list(body);
            }
            otherwise.iter_mut().for_each(normalize_list);
        }
        Command::For(command) => {
            let For {
                line, words, body, ..
            } = &mut **command;
            *line = 1;
            words.iter_mut().for_each(normalize_word);
            normalize_list(body);
        }
        Command::While(command) => {
            let While {
                condition, body, ..
            } = &mut **command;
            normalize_list(condition);
            normalize_list(body);
        }
    }
}

/// Drops empty texts beside other parts: `"$a"` begins with one, and need not.
fn normalize_word(word: &mut Word<'_>) {
    let several = !word.rest.is_empty();
    let parts = word.first.take().into_iter().chain(word.rest.drain(..));
    let mut parts: Vec<Part<'_>> = parts
        .filter(|part| !(several && is_empty_text(part)))
        .collect();
    for part in &mut parts {
        if let Part::Variable {
            form: Some(form),
            quoted,
            ..
        } = part
        {
            normalize_word(&mut form.word);
            // Quotes in quotes change nothing, an empty pair of them neither.
            if *quoted && form.word.first.as_ref().is_some_and(is_empty_text) {
                form.word.first = None;
            }
        }
    }
    let mut parts = parts.into_iter();
    word.first = parts.next();
    word.rest = parts.collect();
}

fn is_empty_text(part: &Part<'_>) -> bool {
    matches!(part, Part::Text { text, .. } if text.is_empty())
}

fn expand_in(text: &str, env: &Environment) -> Option<Vec<String>> {
    let list = parse(text).ok()?;
    let [
        Chain {
            first: Command::Simple(simple),
            ..
        },
    ] = list.chains.as_slice()
    else {
        return None;
    };
    let mut locals = Locals::default();
    let mut scope = Scope {
        env,
        locals: &mut locals,
        status: 0,
    };
    expand(&simple.words, &mut scope).ok()
}

/// Scripts made of the language's pieces: most parse.
fn script() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-c]{1,3}",
        Just("'a b'".to_owned()),
        Just("\"$a ${b:-x y}\"".to_owned()),
        Just("${a:-\"x $b\"'}'}".to_owned()),
        Just("${b+;&|#}".to_owned()),
        Just("$?$a\\;".to_owned()),
        Just("if".to_owned()),
        Just("a=$b".to_owned()),
    ];
    let simple = proptest::collection::vec(word, 1..4).prop_map(|words| words.join(" "));
    simple.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone(), "; |\n|&& | *\\|\\| *|;;\n")
                .prop_map(|(a, b, by)| format!("{a}{by}{b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("if {a}; then {b}; fi")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("if {a}\nthen {b}\nelif {b}; then\nelse {c}; fi")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("for i in {a}\n do {b}; done")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("while {a}; do {b}; done")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("until {a}; do {b};done # x")),
            inner.prop_map(|a| format!("! {a}")),
        ]
    })
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
    fn printing_and_parsing_again_agree(text in "[ab$?{}'\"\\\\;&|# \n=.:+-]{0,40}") {
        if let Ok(list) = parse(&text) {
            let printed = list.to_string();
            let again = parse(&printed);
            prop_assert_eq!(again.map(normalize), Ok(normalize(list)), "printed: {}", printed);
        }
    }

    #[test]
    fn printing_scripts_and_parsing_again_agree(text in script()) {
        if let Ok(list) = parse(&text) {
            let printed = list.to_string();
            let again = parse(&printed);
            prop_assert_eq!(again.map(normalize), Ok(normalize(list)), "printed: {}", printed);
        }
    }

    #[test]
    fn a_text_that_is_cut_is_incomplete_or_wrong_or_whole(text in script(), cut in 0_usize..200) {
        let head: String = text.chars().take(cut).collect();
        if let Err(error) = parse(&head) {
            prop_assert_eq!(is_incomplete(&head), error.is_open());
        }
        // Whatever is typed, an end comes: quotes closed, and blocks.
        prop_assert!(!is_incomplete("echo a\n"));
    }

    #[test]
    fn single_quotes_keep_any_text(text in "[^']{0,60}") {
        let quoted = format!("'{text}'");
        prop_assert_eq!(expand_in(&quoted, &Environment::default()), Some(vec![text]));
    }

    #[test]
    fn a_quoted_variable_is_one_argument(value in any::<String>()) {
        let mut env = Environment::default();
        env.set("a", &value);
        prop_assert_eq!(expand_in("x \"$a\"", &env), Some(vec!["x".to_owned(), value]));
    }

    #[test]
    fn an_unquoted_variable_is_split_at_blanks(value in "[ab \t\n]{0,20}") {
        let mut env = Environment::default();
        env.set("a", &value);
        let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        prop_assert_eq!(expand_in("$a", &env), Some(words.clone()));
        prop_assert_eq!(expand_in("${b:-$a}", &env), Some(words));
    }
}

#[test]
fn expansion_is_bounded() {
    let mut env = Environment::default();
    env.set("a", &"x ".repeat(300));
    env.set("b", &"x".repeat(40_000));
    let mut locals = Locals::default();
    for (text, message) in [
        ("echo $a", "more than 256 arguments"),
        ("echo \"$b$b\"", "the arguments take more than 65536 bytes"),
        (
            "echo ${c:=$b$b}",
            "the arguments take more than 65536 bytes",
        ),
        (
            "echo ${c:=$b} ${d:=$b}",
            "no room for \"d\": shell variables take 65536 bytes at most",
        ),
        ("echo ${e?}", "## Error: \"e\" not defined"),
        ("echo ${e:?give it $f a value}", "e: give it  a value"),
    ] {
        let list = parse(text).unwrap();
        let Command::Simple(simple) = &list.chains[0].first else {
            panic!("{list:?}");
        };
        let mut scope = Scope {
            env: &env,
            locals: &mut locals,
            status: 0,
        };
        let error = expand(&simple.words, &mut scope).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn texts_are_bounded() {
    let error = |text: &str| parse(text).unwrap_err().to_string();
    assert_eq!(
        error(&"x".repeat(MAX_TEXT + 1)),
        "syntax error at line 1, column 1: 65537 bytes are more than 65536"
    );
    let too_large = "more commands than there is memory for";
    assert!(error(&"a;".repeat(MAX_TEXT / 2)).ends_with(too_large));
    assert!(error(&"''$a".repeat(MAX_TEXT / 4)).ends_with(too_large));

    let nested = |depth: usize| {
        let open = "if a; then ".repeat(depth);
        format!("{open} b; {}", "fi; ".repeat(depth))
    };
    let most = usize::from(MAX_NESTING);
    assert!(parse(&nested(most)).is_ok());
    let too_deep = "nested too deep: at most 24 commands or 8 variables";
    assert!(error(&nested(most + 1)).ends_with(too_deep));
    assert!(error(&"! ".repeat(MAX_TEXT / 2)).ends_with(too_deep));
    assert!(error(&"while ".repeat(1000)).ends_with(too_deep));

    let forms = |depth: usize| format!("{}a{}", "${a:-".repeat(depth), "}".repeat(depth));
    let most = usize::from(MAX_FORMS);
    assert!(parse(&forms(most)).is_ok());
    assert!(error(&forms(most + 1)).ends_with(too_deep));
    assert!(error(&format!("\"{}", "${a:-\"".repeat(1000))).ends_with(too_deep));
}

#[test]
fn lines_are_counted_and_joined() {
    let error = parse("echo a\n\n  echo 'b\nc' | d").unwrap_err();
    assert_eq!(error.position(), Position { line: 4, column: 4 });
    let error = parse("echo \u{e9}\u{e9} & a").unwrap_err();
    assert_eq!(error.position(), Position { line: 1, column: 9 });
    let print = |text: &str| parse(text).unwrap().to_string();
    assert_eq!(
        print("echo a\\\nb \\\n c # d\necho \"e\\\nf\"\n\\\n"),
        "echo ab c; echo 'ef'"
    );
    assert_eq!(print("echo \"a\\\\\nb\""), "echo 'a\\\nb'");
    assert_eq!(
        print("ec\\\nho $\\\na ${\\\na\\\n:-b}"),
        "echo ${a} ${a:-b}"
    );
    assert_eq!(parse("\\\n# no word"), Ok(List::default()));
}

/// Time for ten times the text is about ten times the time: nothing is looked at again and again.
#[test]
fn parsing_takes_time_in_proportion() {
    let script = |lines: usize| "if test -n \"${a}\"; then echo yes; fi\n".repeat(lines);
    // The best of many: the host may be busy.
    let time = |text: &str| {
        let times = (0..50).map(|_| {
            let start = std::time::Instant::now();
            assert!(parse(text).is_ok());
            start.elapsed()
        });
        times.min().unwrap_or_default()
    };
    let (short, long) = (time(&script(100)), time(&script(1000)));
    // Quadratic would be a hundred times.
    assert!(long < short * 40, "{short:?} {long:?}");
}
