//! The shell's language on the machine: its stack and heap, its card, Ctrl-C.

use std::{process::Command, time::Duration};

use harness::{Card, Error, Machine, Result, flow, here};

/// Lines as they are typed, and what they show.
#[test]
fn blocks_variables_and_decisions() -> Result<()> {
    let mut session = flow::baton(here!())?;
    for (line, printed) in [
        (
            "for i in 1 2; do if test $i = 2; then echo two; else echo one; fi; done",
            "one\ntwo\n",
        ),
        (
            "n=0; until test $n -ge 3; do echo -n $n; setexpr m $n + 1; n=$m; done; echo",
            "012\n",
        ),
        (
            "test -e virtio 0:1 /zImage && [ ! -e virtio 0:1 nosuch ] && echo there",
            "there\n",
        ),
        (
            "mw.l 44000000 64636261; mw.l 44000004 0; setexpr.s s *44000000; itest.s $s == abcd && echo $s",
            "abcd\n",
        ),
        (
            "setexpr x gsub '([a-z]+)-([0-9]+)' '\\2/\\1' mmc-0,usb-1; echo $x ${y:-none}",
            "0/mmc,1/usb none\n",
        ),
        (
            "setenv r 'for i in a b c; do test $i = b && exit 0; echo $i; done'; run r",
            "a\n",
        ),
    ] {
        assert_eq!(session.run_ok(line)?, printed, "{line}");
    }
    // A fault in a loop ends the command, not the loop, and leaks no depth.
    let line = "for i in 1 2 3 4 5 6 7 8 9; do run f || echo -n .; done; echo";
    session.run_ok("setenv f 'if true; then exception undefined; fi'")?;
    for _ in 0..5 {
        let output = session.run_ok(line)?;
        assert_eq!(output.matches("Undefined").count(), 9, "{output}");
    }
    Ok(())
}

#[test]
fn an_endless_script_stops_at_ctrl_c() -> Result<()> {
    let mut session = flow::baton(here!())?;
    for script in [
        "while true; do true; done",
        "setenv w 'while true; do run t; done'; setenv t 'true'; run w",
    ] {
        session.send_line(script);
        session.expect("\n")?;
        std::thread::sleep(Duration::from_millis(300));
        session.send("\x03");
        session.expect("<INTERRUPT>\r\n=> ")?;
    }
    assert_eq!(session.run_ok("echo alive")?, "alive\n");
    Ok(())
}

/// The deepest there is, in every way at once: as many texts as go, in the last of them a text
/// that is as deep as can be parsed.
#[test]
fn the_deepest_script_fits_the_stack() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let blocks = |inner: &str| {
        format!(
            "{}{inner}{}",
            "if true; then ".repeat(24),
            "; fi".repeat(24)
        )
    };
    let forms = format!("echo {}deep{}", "${none:-".repeat(8), "}".repeat(8));
    session.run_ok(&format!("setenv leaf '{}'", blocks(&forms)))?;
    assert_eq!(session.run_ok("run leaf")?, "deep\n");
    session
        .run_ok("setenv d 'setexpr n $n + 1; if itest $n < c; then run d; else run leaf; fi'")?;
    let output = session.run_ok("setenv n 0; run d")?;
    assert_eq!(output, "deep\n");
    session.run_ok("setenv e 'setexpr n $n + 1; run leaf; run e'")?;
    let output = session.run_err("setenv n 0; run e")?;
    assert!(output.contains("commands nest deeper than"), "{output}");
    assert_eq!(session.run_ok("echo $?")?, "0\n");
    Ok(())
}

/// Scripts as mkimage writes them, and texts as large as can be: errors, and the heap stays.
#[test]
fn scripts_come_from_the_card() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("baton-language-{}", std::process::id()));
    let failed = |error: std::io::Error| Error::check(error.to_string());
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let text = folder.join("boot.txt");
    let image = folder.join("boot.scr");
    let script = "echo from $devtype\nfor i in a b; do\n\techo $i\ndone\nnosuch\nexit 7\n";
    std::fs::write(&text, script).map_err(failed)?;
    let made = Command::new("mkimage")
        .args(["-A", "arm", "-T", "script", "-d"])
        .args([&text, &image])
        .output()
        .map_err(failed)?;
    assert!(made.status.success(), "{made:?}");
    let image = std::fs::read(&image).map_err(failed)?;
    std::fs::remove_dir_all(&folder).map_err(failed)?;
    let mut broken = image.clone();
    if let Some(last) = broken.last_mut() {
        *last ^= 1;
    }
    let card = Card::built()?
        .with_file("my.scr", &image)?
        .with_file("broken.scr", &broken)?
        .with_file("my.txt", script.as_bytes())?
        .with_file("many.txt", "a;".repeat(0x8000).as_bytes())?
        .with_file("words.txt", "a b c d ".repeat(0x2000).as_bytes())?
        .with_file("parts.txt", "''$a".repeat(0x4000).as_bytes())?
        .with_file("long.txt", "#".repeat(0x1_0001).as_bytes())?;
    let mut session = flow::baton_on(Machine::virt(here!()).card(card))?;
    let ran = |name: &str| {
        format!(
            "from virtio\na\nb\nUnknown command 'nosuch' - try 'help'\n  at {name}, line 5\n7\n"
        )
    };
    for name in ["my.scr", "my.txt"] {
        assert_eq!(
            session.run_ok(&format!("source {name}; echo $?"))?,
            ran(name)
        );
        let line = format!("load virtio 0:1 44000000 {name}; source 44000000; echo $?");
        let output = session.run_ok(&line)?;
        let expected = format!("## Executing script at 44000000\n{}", ran("44000000"));
        assert!(output.ends_with(&expected), "{output}");
    }
    assert_eq!(session.run_err("source broken.scr")?, "Bad data crc\n");
    for _ in 0..20 {
        for name in ["many.txt", "words.txt", "parts.txt"] {
            let output = session.run_err(&format!("source {name}"))?;
            assert!(
                output.starts_with(&format!("{name}: syntax error at line 1")),
                "{output}"
            );
        }
        let output = session.run_err("source long.txt")?;
        assert_eq!(output, "the script has 65537 bytes, more than 65536\n");
    }
    Ok(())
}
