//! The language, its variables and its errors.

use crate::{assert_all, bench::outputs};

#[test]
fn the_shell_joins_splits_and_decides() {
    let cases = [
        ("echo ab'cd'\"ef\"gh", "abcdefgh\n"),
        ("echo \"\" a '' b", " a  b\n"),
        ("echo a;;echo b", "a\nb\n"),
        ("; echo a", "a\n"),
        (
            "nosuch || echo z",
            "Unknown command 'nosuch' - try 'help'\nz\n",
        ),
        ("echo x && echo y || echo z", "x\ny\n"),
        ("setenv a 'b  c'", ""),
        ("echo $a ${a}x$a/x $nosuch end", "b c b cxb c/x end\n"),
        ("echo \"$a\" '$a' \"\\$a\" \\$a", "b  c $a $a $a\n"),
        (
            "echo a\\\\nb a\\;b \"a\\b\" 'a\\b'",
            "a\\nb a;b a\\b a\\b\n",
        ),
        ("echo #comment", "\n"),
        ("echo a#b #c", "a#b\n"),
        ("echo a$", "a$\n"),
        ("$nosuch", ""),
        ("echo $?", "0\n"),
    ];
    assert_all(&cases);
}

#[test]
fn labgrids_line_works() {
    assert_eq!(
        outputs(&["echo 'ABCD''EFGH'; nosuch; echo \"$?\"; echo 'ABCD''EFGH';"]),
        ["ABCDEFGH\nUnknown command 'nosuch' - try 'help'\n1\nABCDEFGH\n"]
    );
}

#[test]
fn syntax_errors_name_their_place_and_change_nothing() {
    let cases = [
        (
            "echo a & echo b",
            "syntax error at line 1, column 8: a single '&'; did you mean '&&'?\n",
        ),
        (
            "setenv q \"echo a; echo 'b\"; run q",
            "syntax error at line 1, column 14: ' without a closing '\n",
        ),
        (
            "echo a && && echo b",
            "syntax error at line 1, column 11: a command is missing before '&&'\n",
        ),
        (
            "|| echo a",
            "syntax error at line 1, column 1: a command is missing before '||'\n",
        ),
        (
            "echo ${a",
            "syntax error at line 1, column 6: ${ without }\n",
        ),
        (
            "echo ${a:b}",
            "syntax error at line 1, column 6: ${a:b} does not name a variable\n",
        ),
        (
            "echo ${}",
            "syntax error at line 1, column 6: ${} does not name a variable\n",
        ),
        (
            "echo a; fi",
            "syntax error at line 1, column 9: 'fi' without 'if'\n",
        ),
        (
            "do echo a; done",
            "syntax error at line 1, column 1: 'do' without 'for' or 'while'\n",
        ),
        (
            "if true; then echo a; done",
            "syntax error at line 1, column 23: expected 'elif', 'else' or 'fi' for the 'if' at line 1, column 1, found 'done'\n",
        ),
        (
            "if true then echo a; fi",
            "syntax error at line 1, column 22: expected 'then' for the 'if' at line 1, column 1, found 'fi'\n",
        ),
        (
            "if ; then echo a; fi",
            "syntax error at line 1, column 6: expected a command for the 'if' at line 1, column 1, found 'then'\n",
        ),
        (
            "if true; then echo a; fi echo b",
            "syntax error at line 1, column 26: expected ';' or a new line before a word\n",
        ),
        (
            "for i do echo a; done",
            "syntax error at line 1, column 7: expected 'in' for the 'for' at line 1, column 1, found 'do'\n",
        ),
        (
            "for 1 in a; do echo a; done",
            "syntax error at line 1, column 5: expected a variable after 'for': letters, digits and '_'\n",
        ),
        (
            "for i in a; echo a; done",
            "syntax error at line 1, column 13: expected 'do' for the 'for' at line 1, column 1, found a word\n",
        ),
        (
            "while true; echo a; done",
            "syntax error at line 1, column 21: expected 'do' for the 'while' at line 1, column 1, found 'done'\n",
        ),
        (
            "setenv q 'while true; do'; run q",
            "syntax error at line 1, column 15: expected 'done' for the 'while' at line 1, column 1, found the end\n",
        ),
        ("echo $?", "1\n"),
    ];
    assert_all(&cases);
}

#[test]
fn variables() {
    let cases = [
        (
            "setenv a=b c",
            "## Error: illegal character '='in variable name \"a=b\"\n",
        ),
        ("setenv x 'echo 1; nosuch; echo 2'", ""),
        ("run x", "1\nUnknown command 'nosuch' - try 'help'\n2\n"),
        ("echo $?", "0\n"),
        (
            "run x nosuch",
            "1\nUnknown command 'nosuch' - try 'help'\n2\n## Error: \"nosuch\" not defined\n",
        ),
        ("echo $?", "1\n"),
        (
            "printenv bootdelay nosuch bootfile",
            "bootdelay=2\n## Error: \"nosuch\" not defined\nbootfile=zImage\n",
        ),
        ("setenv x", ""),
        ("printenv x", "## Error: \"x\" not defined\n"),
        ("pri bootfile", "bootfile=zImage\n"),
        (
            "printenv",
            "bootcmd=bootz ${bootfile} ${initrdfile}\nbootdelay=2\nbootfile=zImage\ninitrdfile=initrd.img\n\nEnvironment size: 91/16379 bytes\n",
        ),
        (
            "setenv l 'run l'; run l",
            "commands nest deeper than 24 scripts or 96 blocks\n",
        ),
        ("echo $?", "1\n"),
    ];
    assert_all(&cases);
}
