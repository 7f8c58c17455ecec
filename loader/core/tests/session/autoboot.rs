//! The countdown and what follows it.

use crate::bench::{Bench, outputs};
use platform_fake::{FakeConsole, Step};

fn boot(delay: &str, steps: Vec<Step>) -> String {
    let mut bench = Bench::new(FakeConsole::scripted(steps));
    bench.boot(|cx| {
        cx.env.set("bootdelay", delay);
        cx.env.set("bootcmd", "echo booting");
    })
}

#[test]
fn the_countdown_is_u_boots() {
    let counted = "Hit any key to stop autoboot:  2 \x08\x08\x08 1 \x08\x08\x08 0 \r\n";
    assert_eq!(boot("2", vec![]), format!("{counted}booting\r\n=> "));
    assert_eq!(
        boot("0", vec![]),
        "Hit any key to stop autoboot:  0 \r\nbooting\r\n=> "
    );
    assert_eq!(boot("-1", vec![]), "=> ");
    assert_eq!(boot("junk", vec![]), format!("{counted}booting\r\n=> "));
    let typed = || vec![Step::Type(b"\r\necho a\r".to_vec())];
    assert_eq!(
        boot("2", typed()),
        "Hit any key to stop autoboot:  2 \x08\x08\x08 0 \r\n=> echo a\r\na\r\n=> "
    );
    assert_eq!(
        boot("0", typed()),
        "Hit any key to stop autoboot:  0 \x08\x08\x08 0 \r\n=> echo a\r\na\r\n=> "
    );
    assert_eq!(
        boot("-2", typed()),
        "booting\r\n=> \r\n=> echo a\r\na\r\n=> "
    );
}

#[test]
fn any_key_stops_the_countdown() {
    for key in [" ", "\x03", "\x1b[A", "\r"] {
        let shown = boot(
            "3",
            vec![Step::Await(b" 2 ".to_vec()), Step::Type(key.into())],
        );
        assert_eq!(
            shown.trim_end_matches('\x07'),
            "Hit any key to stop autoboot:  3 \x08\x08\x08 2 \x08\x08\x08 0 \r\n=> ",
            "{key:?}"
        );
    }
}

#[test]
fn a_failed_boot_falls_to_the_prompt() {
    let mut bench = Bench::new(FakeConsole::typing(""));
    let shown = bench.boot(|cx| {
        cx.env.set("bootdelay", "0");
        cx.env.set("bootcmd", "nosuch ${bootfile}");
    });
    assert_eq!(
        shown,
        "Hit any key to stop autoboot:  0 \r\nUnknown command 'nosuch' - try 'help'\r\n=> "
    );
    assert_eq!(
        outputs(&["setenv bootcmd echo b; boot; bootd", "setenv bootcmd; boot"]),
        ["b\nb\n", "## Error: \"bootcmd\" not defined\n"]
    );
}
