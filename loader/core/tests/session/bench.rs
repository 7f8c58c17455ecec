//! A machine of fakes with a prompt on it.
#![allow(clippy::expect_used)] // These are tests, outside of `#[test]` though.

use baton_core::{
    boot::Claim,
    console::Session,
    context::{BuildInfo, Context},
    machine::Machine,
};
use platform_api::{PhysRange, PowerError};
use platform_fake::{
    CORTEX_A15, FakeClock, FakeConsole, FakeGuard, FakeLauncher, FakeMemory, FakePower, PowerCall,
    Step,
};

/// Where the fake RAM starts.
pub const RAM: u64 = 0x4000_0000;

/// How much of it there is.
pub const RAM_SIZE: usize = 0x40_0000;

/// Enough looks for input to play any script to its end.
const POLLS: usize = 500;

/// The fakes, owned: a [`Context`] borrows from them.
pub struct Bench {
    pub console: FakeConsole,
    pub clock: FakeClock,
    pub memory: FakeMemory,
    pub power: FakePower,
    pub launcher: FakeLauncher,
    /// What the memory map calls Baton's.
    pub loader: Option<PhysRange>,
}

impl Bench {
    pub fn new(console: FakeConsole) -> Self {
        Self {
            console,
            clock: FakeClock::default(),
            memory: FakeMemory::new(RAM, RAM_SIZE),
            power: FakePower::default(),
            launcher: FakeLauncher::default(),
            loader: None,
        }
    }

    pub fn context(&mut self) -> Context<'_> {
        let mut cx = Context::new(Machine {
            console: &mut self.console,
            clock: &self.clock,
            memory: &mut self.memory,
            disks: Vec::new(),
            power: &mut self.power,
            launcher: &mut self.launcher,
            guard: &FakeGuard,
            cpu: CORTEX_A15,
        });
        cx.map.loader.extend(self.loader.map(|range| Claim {
            range,
            owner: "Baton".into(),
        }));
        cx.build = BuildInfo {
            version: "1.2.3",
            revision: "v1.2.3",
            compiler: "rustc 1.95.0",
        };
        cx
    }

    /// Plays the console's script at the prompt, and returns what was shown. `prepare` sees the
    /// context first. Ends when the script does, or when it cannot go on.
    pub fn play(&mut self, prepare: impl FnOnce(&mut Context<'_>)) -> String {
        let mut cx = self.context();
        prepare(&mut cx);
        let mut session = Session::default();
        for _ in 0..POLLS {
            session.poll(&mut cx);
        }
        drop(cx);
        assert!(
            self.console.is_done(),
            "waiting at: {}",
            self.console.text()
        );
        self.console.take_text()
    }

    /// Counts down and boots, then plays the rest of the script at the prompt.
    pub fn boot(&mut self, prepare: impl FnOnce(&mut Context<'_>)) -> String {
        let mut cx = self.context();
        prepare(&mut cx);
        let mut session = Session::default();
        session.autoboot(&mut cx);
        for _ in 0..POLLS {
            session.poll(&mut cx);
        }
        drop(cx);
        self.console.take_text()
    }

    pub fn power_calls(&self) -> &[PowerCall] {
        &self.power.calls
    }

    pub fn fail_power_with(&mut self, error: PowerError) {
        self.power.error = error;
    }
}

/// Types `input` at full speed and returns what a terminal receives.
pub fn session(input: &str) -> String {
    Bench::new(FakeConsole::typing(input)).play(|_| {})
}

/// Types each line and returns what it shows: without its echo, prompt and carriage returns.
pub fn outputs(lines: &[&str]) -> Vec<String> {
    outputs_on(&mut Bench::new(FakeConsole::default()), lines)
}

/// As [`outputs`], on a prepared bench.
pub fn outputs_on(bench: &mut Bench, lines: &[&str]) -> Vec<String> {
    outputs_in(bench, lines, |_| {})
}

/// As [`outputs_on`]; `prepare` sees the context first.
pub fn outputs_in(
    bench: &mut Bench,
    lines: &[&str],
    prepare: impl FnOnce(&mut Context<'_>),
) -> Vec<String> {
    for line in lines {
        bench.console.then(Step::Await(b"=> ".to_vec()));
        bench.console.type_bytes(format!("{line}\r"));
    }
    let shown = bench.play(prepare);
    let mut rest = shown.strip_prefix("=> ").expect("a prompt");
    let mut outputs = Vec::new();
    for line in lines {
        rest = rest.strip_prefix(line).expect("a verbatim echo");
        rest = rest.strip_prefix("\r\n").expect("a new line");
        let (output, after) = split_at_prompt(rest);
        outputs.push(output.replace("\r\n", "\n"));
        rest = after;
    }
    assert_eq!(rest, "", "more was shown than was asked for");
    outputs
}

fn split_at_prompt(text: &str) -> (&str, &str) {
    if let Some(after) = text.strip_prefix("=> ") {
        return ("", after);
    }
    let at = text.find("\r\n=> ").expect("a prompt at a line start");
    (&text[..at + 2], &text[at + 5..])
}
