//! Blocks, variables and the commands of the language. What U-Boot 2023.01 or 2025.01 prints for
//! the same lines on QEMU's virt is the expected output, but where docs/shell.md tells of a
//! difference.

use crate::{
    assert_all,
    bench::{Bench, RAM, outputs, outputs_on, session},
};
use platform_fake::{FakeConsole, Step};

#[test]
fn blocks() {
    assert_all(&[
        ("if true; then echo t; else echo f; fi", "t\n"),
        ("if false; then echo t; else echo f; fi", "f\n"),
        (
            "if false; then echo t; elif true; then echo ei; else echo f; fi; echo $?",
            "ei\n0\n",
        ),
        (
            "if false; then echo t; elif false; then echo ei; else echo f; fi",
            "f\n",
        ),
        ("if true; false; then echo t; fi; echo $?", "1\n"),
        ("if true; then; echo a; fi", "a\n"),
        ("if true; then fi; echo $?", "0\n"),
        ("if true; then echo x; fi && echo y", "x\ny\n"),
        (
            "if true; then if false; then echo a; else echo b; fi fi",
            "b\n",
        ),
        (
            "for i in 1 2 3; do echo $i; done; echo after $i; showvar i",
            "1\n2\n3\nafter 3\ni=3\n",
        ),
        ("for i in; do echo x; done; echo $?", "0\n"),
        (
            "for i in 1 2; do for j in a b; do echo $i$j; done; done",
            "1a\n1b\n2a\n2b\n",
        ),
        ("for if in do; do echo $if; done", "do\n"),
        ("while false; do echo t; done; echo $?", "1\n"),
        ("until true; do echo x; done; echo $?", "0\n"),
        (
            "n=0; while test $n -lt 3; do echo $n; setexpr k $n + 1; n=$k; done",
            "0\n1\n2\n",
        ),
        (
            "setenv k; until test 1$k -eq 13; do echo -n .; setenv k 3; done; echo",
            ".\n",
        ),
        ("! true; echo $?", "1\n"),
        ("! false && ! ! true && echo both", "both\n"),
        (
            "echo if then fi for in do done",
            "if then fi for in do done\n",
        ),
        ("'if' true", "Unknown command 'if' - try 'help'\n"),
        ("i\\f true", "Unknown command 'if' - try 'help'\n"),
        ("echo {c} (d) <e >f *?[ `b` ~", "{c} (d) <e >f *?[ `b` ~\n"),
    ]);
}

#[test]
fn chains_are_decided_from_left_to_right() {
    // U-Boot's truth tables, test/hush/list.c.
    for (chain, status) in [
        ("false && false || false", 1),
        ("false && false || true", 0),
        ("true && true || false", 0),
        ("true && false || true", 0),
        ("false || true && true", 0),
        ("false || true && false", 1),
        ("true || false && false", 1),
        ("true || true && true", 0),
        ("true; false", 1),
        ("false; true", 0),
    ] {
        assert_all(&[(&format!("{chain}; echo $?"), &format!("{status}\n"))]);
    }
}

#[test]
fn shell_variables() {
    assert_all(&[
        (
            "a=b; echo $a; showvar a; printenv a",
            "b\na=b\n## Error: \"a\" not defined\n",
        ),
        ("a=1 echo $a; echo $a", "1\n1\n"),
        ("a=b=c; echo $a", "b=c\n"),
        ("a=\"x  y\"; echo \"$a\" $a", "x  y x y\n"),
        ("b=$a; showvar b", "b=x  y\n"),
        ("c=1 d='2 3'; showvar", "a=x  y\nb=x  y\nc=1\nd=2 3\n"),
        (
            "a=; showvar a nosuch; echo $?",
            "a=\n## Error: \"nosuch\" not defined\n1\n",
        ),
        (
            "echo a=b =c; 'x'=1",
            "a=b =c\nUnknown command 'x=1' - try 'help'\n",
        ),
        ("1a=2", "Unknown command '1a=2' - try 'help'\n"),
        // The environment goes first, also before the variable of a loop.
        (
            "setenv e x; e=y; echo $e; for e in 1 2; do echo $e; done",
            "x\nx\nx\n",
        ),
        ("a='echo hi'; run a", "## Error: \"a\" not defined\n"),
        ("$a; echo $?", "hi\n0\n"),
        // What a value brings is no syntax.
        (
            "setenv v 'x; echo y'; echo $v; $v",
            "x; echo y\nUnknown command 'x;' - try 'help'\n",
        ),
        (
            "setenv t1 '$t2'; setenv t2 deep; echo $t1 \"$t1\"",
            "$t2 $t2\n",
        ),
        (
            "setenv b 'p  q'; for i in $b \"$b\"; do echo \"[$i]\"; done",
            "[p]\n[q]\n[p  q]\n",
        ),
        (
            "IFS=:; c=a:b::d; for i in $c 'x:y'; do echo \"[$i]\"; done",
            "[a]\n[b]\n[]\n[d]\n[x:y]\n",
        ),
    ]);
}

#[test]
fn forms_of_variables() {
    assert_all(&[
        ("setenv s set; setenv e ''; e=''", ""),
        ("echo ${s:-w} ${e:-w} ${u:-w}", "set w w\n"),
        ("echo [${s-w}] [${e-w}] [${u-w}]", "[set] [] [w]\n"),
        ("echo ${s:+w} [${e:+w}] [${u:+w}]", "w [] []\n"),
        ("echo ${s+w} ${e+w} [${u+w}]", "w w []\n"),
        ("echo ${u:=new} $u; showvar u", "new new\nu=new\n"),
        ("echo ${v=new} $v", "new new\n"),
        ("echo ${s:?no} ${e?no}", "set\n"),
        ("echo ${e:?is empty}; echo $?", "e: is empty\n1\n"),
        ("echo ${n:?}", "## Error: \"n\" not defined\n"),
        (
            "echo ${n:-a b} \"${n:-a  b}\" '${n:-a}'",
            "a b a  b ${n:-a}\n",
        ),
        (
            "echo ${n:-${m:-${s}}}${n:-\"x  $s\"}\"${n:-'q'}\"",
            "setx  set'q'\n",
        ),
        (
            "echo \"${n:-a\\}b}\" ${n:-a\\}b} ${n:-'a}b'}",
            "a}b a}b a}b\n",
        ),
        // A variable may be called so.
        (
            "setenv dtb-name x; echo ${dtb-name} ${dtb-none} ${dtb-$s}",
            "x none set\n",
        ),
        ("echo $aa$s$ $- \"$\" $ end", "set$ $- $ $ end\n"),
    ]);
}

#[test]
fn deciding_commands() {
    assert_all(&[
        ("true; echo $?; false; echo $?", "0\n1\n"),
        ("test; echo $?; test a; echo $?", "1\n1\n"),
        ("[ a = a ] && [ ! a = b ] && echo yes", "yes\n"),
        ("[ a = a; echo $?", "[: missing ']'\n1\n"),
        (
            "if test -n \"$nosuch\" -o 0x10 -eq 16; then echo yes; fi",
            "yes\n",
        ),
        ("test -e virtio 0:1 x; echo $?", "1\n"),
        (
            "itest 10 == 0x10 && itest.b 110 == 10 && itest.s abc < abd && echo yes",
            "yes\n",
        ),
        ("itest 80000000 > 1; echo $?", "0\n"),
        ("itest 1 foo 2; echo $?", "Unknown operator 'foo'\n1\n"),
        ("itest.x 1 == 1", "Invalid data width specifier\n"),
        (
            "itest zz == 1; echo $?",
            "\"zz\" is not a hexadecimal number\n1\n",
        ),
    ]);
}

#[test]
fn memory_is_compared_and_loaded() {
    let mut bench = Bench::new(FakeConsole::default());
    bench.memory.fill(RAM, b"abcd\0xyz\0");
    let lines = [
        "itest.b *40000000 == 61 && itest.w *40000000 == 6261 && itest *40000000 == 64636261 && echo yes",
        "itest.s *40000000 == abcd && itest.s *40000000 < *40000005 && echo yes",
        "setexpr a *40000000; setexpr.w b *40000000; setexpr.b c *40000000 + *40000001; echo $a $b $c",
        "setexpr.q d *40000000; echo $d",
        "setexpr.s s *40000000 + -; setexpr.s s $s + *40000005; echo $s",
        "setexpr.s s a - b",
    ];
    let shown = outputs_on(&mut bench, &lines);
    assert_eq!(
        shown,
        [
            "yes\n",
            "yes\n",
            "64636261 6261 c3\n",
            "7a79780064636261\n",
            "abcd-xyz\n",
            "invalid op\n"
        ]
    );
}

#[test]
fn setexpr() {
    assert_all(&[
        ("setexpr a 10 + 5; echo $a", "15\n"),
        ("setexpr a ff; echo $a", "ff\n"),
        ("setexpr a 0 - 1; echo $a", "ffffffff\n"),
        ("setexpr.b a 0 - 1; echo $a", "ffffffff\n"),
        ("setexpr.q a 0 - 1; echo $a", "ffffffffffffffff\n"),
        ("setexpr a ffffffff + 2; echo $a", "1\n"),
        ("setexpr a 0x10 * 0x10; echo $a", "100\n"),
        (
            "setexpr a f0 '|' f; setexpr b $a '&' 3f; echo $a $b",
            "ff 3f\n",
        ),
        ("setexpr a 1 / 0; echo $?", "1 / 0 is no number\n1\n"),
        ("setexpr a a x b; echo $?", "invalid op\n1\n"),
        ("setexpr a sub b X abcb; echo $a", "aXcb\n"),
        ("setexpr a gsub '[bc]' '<&>' abcb; echo $a", "a<&><&><&>\n"),
        ("setexpr a gsub '(b)(c)' '\\2\\1' abcbc; echo $a", "acbcb\n"),
        ("setexpr a gsub b \"\\0\\0\" abc; echo $a", "abbc\n"),
        // As scripts for the older parser write it.
        (
            "setexpr a sub '^(.*)-(.*)$' '\\\\2-\\\\1' one-two; echo $a",
            "two-one\n",
        ),
        (
            "setexpr a sub '(x)?b' '[\\1\\2\\q\\]' abc; echo $a",
            "a[\\2\\q\\]c\n",
        ),
        ("setexpr a gsub 'x*' - abc; echo $a", "-a-b-c-\n"),
        ("setexpr a gsub b X zzz; echo $? $a", "0 zzz\n"),
        (
            "setexpr nosuch sub a b",
            "## Error: variable \"nosuch\" not defined\n",
        ),
        ("setenv f a.b.c; setexpr f gsub '\\.' /; echo $f", "a/b/c\n"),
        (
            "setexpr a sub '[' x abc; echo $?",
            "Error compiling regex: No closing ']' bracket\n1\n",
        ),
        ("setexpr a fmt 0x%08x-%d 1f 10; echo $a", "0x0000001f-16\n"),
        (
            "setexpr a=b 1",
            "## Error: illegal character '='in variable name \"a=b\"\n",
        ),
    ]);
    let shown = outputs(&[
        "setexpr a 1 << 4",
        "setexpr a",
        "setexpr a 1 +",
        "setexpr.x a 1",
    ]);
    for usage in shown {
        assert!(
            usage.starts_with("setexpr - set environment variable as the result"),
            "{usage}"
        );
    }
}

#[test]
fn exit_leaves_the_innermost_script() {
    assert_all(&[
        (
            "setenv r 'echo a; exit 4; echo b'; run r; echo $?",
            "a\n4\n",
        ),
        ("setenv s 'run r; echo c'; run s; echo $?", "a\nc\n0\n"),
        (
            "setenv q 'for i in 1 2 3; do if test $i = 2; then exit 2; fi; echo $i; done; echo out'; run q; echo $?",
            "1\n2\n",
        ),
        (
            "setenv r 'echo a; exit; echo b'; run r && echo $?",
            "a\n0\n",
        ),
        ("run q r; echo $?", "1\n2\n"),
        ("exit; echo no", "exit not allowed from main input shell.\n"),
        (
            "exit 3; echo no",
            "exit not allowed from main input shell.\n",
        ),
        ("echo $?", "3\n"),
        (
            "for i in 1 2; do echo $i; exit; done; echo no",
            "1\nexit not allowed from main input shell.\n",
        ),
        ("exit x", "\"x\" is not a status: 0 to 255, decimal\n"),
    ]);
}

#[test]
fn run_stops_at_the_first_failure() {
    assert_all(&[
        (
            "setenv x1 'false; echo one'; setenv x2 'echo two; false'; run x1 x2 x1; echo $?",
            "one\ntwo\n1\n",
        ),
        (
            "setenv x3 'if true; then for i in a b; do echo $i; done; fi'; run x3",
            "a\nb\n",
        ),
        (
            "run",
            "run - run commands in an environment variable\n\nUsage:\nrun var [...]\n    - run the commands in the environment variable(s) 'var'\n",
        ),
    ]);
}

#[test]
fn time_says_how_long_it_took() {
    let shown = outputs(&[
        "time nosuch",
        "setenv r 'echo a; exit 4'; time run r; echo $?",
        "time sleep 1",
        "time sleep 61.5",
        "time",
        "time run",
    ]);
    assert_eq!(shown[0], "Unknown command 'nosuch' - try 'help'\n");
    let times = [
        (1, "a\n\ntime: 0.00", " seconds\n4\n"),
        (2, "\ntime: 1.0", " seconds\n"),
        (3, "\ntime: 1 minutes, 1.5", " seconds\n"),
        (
            4,
            "time - run commands and summarize",
            "Usage:\ntime command [args...]\n",
        ),
        (5, "run - run commands in", " seconds\n"),
    ];
    for (index, start, end) in times {
        assert!(shown[index].starts_with(start), "{}", shown[index]);
        assert!(shown[index].ends_with(end), "{}", shown[index]);
    }
}

#[test]
fn an_open_command_goes_on_on_the_next_line() {
    assert_eq!(
        session("if true\rthen echo a\rfi\recho b\r"),
        "=> if true\r\n> then echo a\r\n> fi\r\na\r\n=> echo b\r\nb\r\n=> "
    );
    assert_eq!(
        session("echo \"a\r\rb\"\recho c \\\rd &&\recho e\r"),
        "=> echo \"a\r\n> \r\n> b\"\r\na\r\n\r\nb\r\n=> echo c \\\r\n> d &&\r\n> echo e\r\nc d\r\ne\r\n=> "
    );
    // Errors are told as soon as nothing can put them right.
    assert_eq!(
        session("if true\rfi\r"),
        "=> if true\r\n> fi\r\nsyntax error at line 2, column 1: expected 'then' for the 'if' at line 1, column 1, found 'fi'\r\n=> "
    );
}

#[test]
fn ctrl_c_leaves_an_open_command() {
    assert_eq!(
        session("while true\r echo\x03echo a\r"),
        "=> while true\r\n>  echo<INTERRUPT>\r\n=> echo a\r\na\r\n=> "
    );
}

#[test]
fn an_open_command_is_bounded() {
    let long = format!("echo {}", "x".repeat(10_000));
    let shown = session(&format!("if true; then\r{long}\r{long}\r"));
    let error = "syntax error at line 4, column 1: expected 'elif', 'else' or 'fi' for the 'if' at line 1, column 1, found the end";
    assert!(shown.ends_with(&format!("\r\n{error}\r\n=> ")), "{shown}");
}

#[test]
fn ctrl_c_stops_endless_scripts() {
    for script in [
        "while true; do true; done",
        "until false; do false; done",
        "while true; do done",
        "while true; do for i in a b c; do if true; then true; fi; done; done",
        "setenv w 'while true; do run x; done'; setenv x 'echo -n .; false'; run w",
        "while true; do nosuch; done",
    ] {
        let mut bench = Bench::new(FakeConsole::scripted([
            Step::Type(format!("{script}; echo no\r").into_bytes()),
            Step::Await(b"\r\n".to_vec()),
            Step::Pause(50),
            Step::Type(b"\x03".to_vec()),
        ]));
        let shown = bench.play(|_| {});
        assert!(shown.ends_with("<INTERRUPT>\r\n=> "), "{script}: {shown}");
        assert!(!shown.contains("\r\nno"), "{script}: {shown}");
    }
}

#[test]
fn nesting_is_bounded() {
    let blocks = |depth: usize| {
        format!(
            "{}echo deep{}",
            "if true; then ".repeat(depth),
            "; fi".repeat(depth)
        )
    };
    let too_deep = "commands nest deeper than 24 scripts or 96 blocks\n";
    assert_all(&[
        (&blocks(24), "deep\n"),
        (
            &blocks(25),
            "syntax error at line 1, column 337: nested too deep: at most 24 commands or 8 variables\n",
        ),
        ("setenv l 'if true; then run l; fi'; run l", too_deep),
        ("echo $?", "1\n"),
        // One that asks how deep it is.
        (
            "setenv n 0; setenv d 'setexpr n $n + 1; if test 0x$n -lt 17; then run d; fi'; run d; echo $n",
            "11\n",
        ),
    ]);
    // Trees share a bound, however they nest.
    let body = "echo a b c d e f g h; ".repeat(500);
    let mut bench = Bench::new(FakeConsole::default());
    bench.console.type_bytes("run big; echo $?\r");
    let shown = bench.play(|cx| cx.env.set("big", &format!("run big; {body}")));
    let error = "more commands than there is memory for\r\n";
    assert!(shown.contains(error), "{shown}");
}
