//! The hands: editing, completion, pastes, Ctrl-C, and other people's terminal programs.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use harness::{Card, Machine, Result, Session, build, flow, here, regex};

/// How long a command runs before Ctrl-C. However fast the machine is, none of those ends by itself.
const KEY: Duration = Duration::from_millis(300);

/// Types keys one after the other: each text ends in a Tab, and what it shows is waited for before
/// anything else is typed. A Tab that something follows at once is none, and how soon that is,
/// on a busy host, no pause of ours could say.
fn press(session: &mut Session, keys: &[(&str, &str)]) -> Result<()> {
    for (typed, shown) in keys {
        session.send(&format!("{typed}\t"));
        session.expect((*shown).to_owned())?;
    }
    Ok(())
}

#[test]
fn tab_completes_what_is_typed() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let lines: [&[(&str, &str)]; 6] = [
        &[("printe", "printenv ")],
        &[("printenv bootfi", "printenv bootfile ")],
        &[("echo ${bootfi", "echo ${bootfile}")],
        &[("fdt pri", "fdt print "), ("/cho", "/chosen ")],
        &[
            ("load vi", "load virtio "),
            ("0:", "0:1 "),
            ("48000000 zI", "48000000 zImage "),
        ],
        &[("bootz -n zI", "bootz -n zImage "), ("ini", "initrd.img ")],
    ];
    for keys in lines {
        press(&mut session, keys)?;
        session.send("\x03");
        session.expect_prompt()?;
    }
    // Several: listed, and the line again.
    let listed = "\r\n  bootargs bootcmd bootdelay bootfile\r\n=> printenv boot";
    press(&mut session, &[("printenv boot", listed)])?;
    session.send("\x03");
    session.expect_prompt()?;
    // And what is completed works.
    press(&mut session, &[("ls vi", "ls virtio ")])?;
    session.send("0:1\r");
    session.expect(regex("[0-9]+   zImage\r\n"))?;
    session.expect_prompt()?;
    Ok(())
}

/// A session of keys, byte for byte.
#[test]
fn keys_give_these_bytes() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let start = session.transcript().len();
    for keys in [
        "echo ac\x1b[Db\r",
        "echo one two\x17three\r",
        "cho again\x01e\x05!\r",
        "\x10\x10\x10\r",
        "echo a b\x0b\x15echo \x19\r",
        "editenv bootfile\r",
        "\x17other\r",
        "askenv answer Well? 3\r",
        "12345\r",
        "echo ${bootfile} ${answer}\r",
    ] {
        session.send(keys);
        // Each of them ends in a prompt of some kind.
        session.expect(regex("(\n=> |edit: zImage|\nWell\\? )$"))?;
    }
    let expected = "echo ac\x08bc\x08\r\nabc\r\n=> \
        echo one two\x08\x08\x08   \x08\x08\x08three\r\none three\r\n=> ";
    let shown = &session.transcript()[start..];
    assert!(shown.starts_with(expected), "{shown:?}");
    assert!(
        shown.ends_with("echo ${bootfile} ${answer}\r\nother 123\r\n=> "),
        "{shown:?}"
    );
    // Whoever has not set `term` gets no escape sequence, ever.
    assert!(!shown.contains('\x1b'));
    Ok(())
}

/// 10,000 characters at once, most of them while commands run that write, wait, read the disk or
/// sum memory.
#[test]
fn ten_thousand_characters_are_kept() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let commands = [
        "md 48000000 40",
        "load virtio 0:1 48000000 zImage",
        "crc32 48000000 540000",
        "cp.b 48000000 4a000000 540000",
        "cmp.b 48000000 4a000000 540000",
        "sleep 0.1",
        "ls virtio 0:1",
        "printenv",
    ];
    let mut pasted = String::new();
    let mut markers = Vec::new();
    while pasted.len() < 10_000 {
        let number = markers.len();
        let command = commands[number % commands.len()];
        markers.push(format!("marker {number:03} {}", "x".repeat(60)));
        pasted += &format!("echo 'marker' {number:03} {}; {command}\r", "x".repeat(60));
    }
    session.send(&pasted);
    for marker in &markers {
        session.expect(regex(&format!("(?m)^{marker}\r\n")))?;
    }
    session.expect_prompt()?;
    assert!(!session.transcript().contains("were lost"));
    // As one line, too.
    let long = "0123456789".repeat(1000);
    assert_eq!(
        session.run_ok(&format!("echo {long}"))?,
        format!("{long}\n")
    );
    Ok(())
}

#[test]
fn control_c_stops_every_kind_of_command() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("setenv forever 'sleep 1; sleep 1; sleep 1; sleep 100; echo never'")?;
    for command in [
        "sleep 1000",
        "run forever",
        "md 40000000 4000000",
        "mw.b 48000000 0 8000000",
        "cp.b 48000000 50000000 8000000",
        "cmp.b 48000000 50000000 8000000",
        "crc32 48000000 8000000",
        "load virtio 0:1 48000000 zImage",
        "help",
        "printenv",
        "fdt print",
        "editenv bootcmd",
        "askenv answer",
    ] {
        // Without end: on a fast machine no count of repetitions is sure to outlast the wait.
        session.send_line(&format!("while true; do {command}; done; echo never"));
        session.expect("echo never\r\n")?;
        std::thread::sleep(KEY);
        session.send("\x03");
        session.expect_for(regex("<INTERRUPT>\r\n=> "), Duration::from_secs(30))?;
        session.run_ok("version")?;
    }
    assert!(!session.transcript().contains("\nnever"));
    assert_eq!(session.run_ok("printenv bootdelay")?, "bootdelay=2\n");
    Ok(())
}

#[test]
fn a_pager_and_colours_are_for_who_asks() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.send_line("setenv pager 10");
    session.expect_prompt()?;
    session.send_line("help");
    session.expect(": Press SPACE to continue")?;
    session.send(" ");
    session.expect(": Press SPACE to continue")?;
    session.send("q");
    session.expect("<INTERRUPT>\r\n=> ")?;
    session.send_line("setenv pager; setenv term xterm-256color");
    session.expect("\x1b[1;32m=> \x1b[0m")?;
    session.send_line("nosuch");
    session.expect("\x1b[31mUnknown command 'nosuch' - try 'help'\x1b[0m\r\n")?;
    session.send_line("setenv term");
    session.expect_prompt()?;
    Ok(())
}

/// Starts a machine whose console is a pseudo terminal, with Baton waiting at its prompt.
fn machine_with_pty(name: &str) -> Result<(Session, String)> {
    let machine = Machine::virt(name)
        .card(Card::built()?)
        .kernel(&build::file("baton.zimg")?)
        .append("baton.bootdelay=-1")
        .with_pty();
    let mut session = machine.start()?;
    let found = session.expect(regex("redirected to [^ ]+ "))?;
    let path = found.text.split(' ').nth(2).unwrap_or_default().to_owned();
    Ok((session, path))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/console")
        .join(name)
}

/// Runs a program that talks to the console itself, and must say that all was well.
fn passes(name: &str, command: Command) -> Result<()> {
    let mut session = Session::start(name, command)?;
    session.forbid(regex("FAILED.*"));
    session.expect_for("PASSED", Duration::from_secs(120))?;
    session.expect_exit(Duration::from_secs(30)).map(drop)
}

#[test]
fn expect_talks_to_it() -> Result<()> {
    let (_machine, pty) = machine_with_pty(here!())?;
    let mut expect = Command::new("expect");
    expect.arg(script("expect.exp")).arg(pty);
    passes("console::expect-script", expect)
}

#[test]
fn pexpect_talks_to_it() -> Result<()> {
    let (_machine, pty) = machine_with_pty(here!())?;
    let mut python = Command::new(build::file("labgrid/bin/python")?);
    python.arg(script("session.py")).arg(pty);
    passes("console::pexpect-script", python)
}

/// picocom and tio, with a person's keys.
#[test]
fn terminal_programs_talk_to_it() -> Result<()> {
    let (_machine, pty) = machine_with_pty(here!())?;
    let terminals: [(&str, &[&str]); 2] = [
        ("C-a C-x", &["picocom", "-b", "115200", &pty]),
        ("C-t q", &["tio", "-b", "115200", &pty]),
    ];
    for (leave, terminal) in terminals {
        let mut expect = Command::new("expect");
        expect.arg(script("terminal.exp")).arg(leave).args(terminal);
        passes(&format!("console::{}", terminal[0]), expect)?;
    }
    Ok(())
}
