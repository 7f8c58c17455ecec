//! What a command works on.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use platform_api::{Console, Inspect, Line, PhysAddr, PhysRange, Rtc};

use crate::{
    boot::{MemoryMap, Staged},
    commands::Remembered,
    console::{Input, Pager, pager, style},
    devicetree::{Psci, WorkingTree},
    env::{Environment, Store},
    log::Log,
    machine::Machine,
    shell::State,
    watchdog::Watchdogs,
};

/// Characters written between two looks at the receiver. A character arrives in the time one
/// leaves, so this many cannot overrun a 16-character receive FIFO.
const WRITE_CHUNK: usize = 16;

/// A file that `load` put into memory. `bootz` uses it to know sizes; the handoff cleans all
/// of it all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    /// Its path on the volume.
    pub path: String,
    /// Where it lies.
    pub range: PhysRange,
}

/// What this program was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version, `0.1.0`.
    pub version: &'static str,
    /// What `git describe --always --dirty` said.
    pub revision: &'static str,
    /// What `rustc --version` said.
    pub compiler: &'static str,
}

impl Default for BuildInfo {
    /// Takes `BATON_REVISION` and `BATON_COMPILER` from the build's environment.
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            revision: option_env!("BATON_REVISION").unwrap_or("unknown revision"),
            compiler: option_env!("BATON_COMPILER").unwrap_or("unknown compiler"),
        }
    }
}

impl fmt::Display for BuildInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            revision,
            compiler,
        } = self;
        write!(f, "Baton {version} ({revision}, {compiler})")
    }
}

/// What the composition root found out and `bdinfo` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoardFacts {
    /// Where the first stage put its device tree, if it gave one.
    pub tree_address: Option<PhysAddr>,
    /// The tree path of the console in use.
    pub console: String,
    /// How its line is set, as far as that is known.
    pub line: Option<Line>,
    /// How the tree wants it.
    pub line_wanted: Option<Line>,
    /// PSCI, from the tree.
    pub psci: Option<Psci>,
    /// PSCI's own version, major and minor, if it was asked.
    pub psci_version: Option<(u16, u16)>,
    /// Where the loader was entered: the address of its image before it moved itself.
    pub entered_at: Option<PhysAddr>,
    /// Which driver has bound to what, in tree order.
    pub devices: Vec<BoundDevice>,
    /// The pages of a monitor of ours that stays: every payload's tree has to reserve them.
    pub monitor: Option<PhysRange>,
    /// The CPUs that it can start, the one that runs included.
    pub started: Vec<u32>,
}

/// A device that a driver has bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundDevice {
    /// Its path in the device tree.
    pub path: String,
    /// What kind of device it is, `serial`.
    pub class: &'static str,
    /// The driver's name.
    pub driver: &'static str,
    /// It is in use: neither broken nor empty.
    pub active: bool,
}

/// The state of a session at the prompt.
pub struct Context<'a> {
    /// The machine.
    pub machine: Machine<'a>,
    /// The real-time clock, where there is one.
    pub rtc: Option<Box<dyn Rtc>>,
    /// Watchdogs.
    pub watchdogs: Watchdogs<'a>,
    /// Variables.
    pub env: Environment,
    /// The processor's own state; `None` on a machine that nobody can look into.
    pub inspect: Option<&'a dyn Inspect>,
    /// Where variables are saved.
    pub store: Store,
    /// Whose memory is whose.
    pub map: MemoryMap,
    /// The working device tree; `None` where the first stage gave none.
    pub tree: Option<WorkingTree>,
    /// Files loaded since the start, newest last.
    pub loaded: Vec<LoadedFile>,
    /// The boot that `kexec -l` staged, for `kexec -e`.
    pub staged: Option<Staged>,
    /// What survives this boot.
    pub log: Log<'a>,
    /// Status of the last command, `$?`.
    pub status: u8,
    /// Device-tree model, for the banner and `bdinfo`.
    pub model: String,
    /// What `bdinfo` shows beside.
    pub board: BoardFacts,
    /// What `version` shows.
    pub build: BuildInfo,
    /// Characters received and not yet used.
    pub input: Input,
    /// What an empty line runs: a command that can go on (`md`) leaves its continuation here.
    pub repeat: Option<String>,
    /// What the memory commands know from one call to the next.
    pub remembered: Remembered,
    /// Shell variables, and how deep commands are nested.
    pub shell: State,
    /// The last character written through this context was a newline.
    pub at_line_start: bool,
    /// A command runs: Ctrl-C ends what it writes.
    pub running: bool,
    /// Something was not written because of Ctrl-C.
    pub output_cut: bool,
    /// Stops at the end of each page; `None` unless the user wants that.
    pub pager: Option<Pager>,
    /// The terminal has colours, and the user said so.
    pub coloured: bool,
}

impl<'a> Context<'a> {
    /// Makes a context with default variables, and with nothing known but the machine.
    pub fn new(machine: Machine<'a>) -> Self {
        Self {
            machine,
            rtc: None,
            watchdogs: Watchdogs::default(),
            env: Environment::with_defaults(),
            inspect: None,
            store: Store::default(),
            map: MemoryMap::default(),
            tree: None,
            loaded: Vec::new(),
            staged: None,
            log: Log::default(),
            status: 0,
            model: String::new(),
            board: BoardFacts::default(),
            build: BuildInfo::default(),
            input: Input::default(),
            repeat: None,
            remembered: Remembered::default(),
            shell: State::default(),
            at_line_start: true,
            running: false,
            output_cut: false,
            pager: None,
            coloured: false,
        }
    }

    /// Takes in what was typed meanwhile, and tells whether Ctrl-C was among it. Stays true
    /// until the prompt is back, so that every loop around the caller ends too.
    ///
    /// A command that holds a part of the machine calls [`Input::interrupted`] on
    /// `self.input` and `self.machine.console` instead.
    pub fn interrupted(&mut self) -> bool {
        self.input.interrupted(self.machine.console)
    }

    /// Writes bytes as they are, and takes in what is typed meanwhile. After Ctrl-C a running
    /// command writes nothing any more, so that it ends soon whether it looks for Ctrl-C or not.
    pub fn write_raw(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(WRITE_CHUNK) {
            if !self.may_write() {
                return;
            }
            self.machine.console.write(chunk);
            self.at_line_start = chunk.last() == Some(&b'\n');
            if self.at_line_start
                && let Some(pager) = &mut self.pager
                && pager.line()
            {
                let full = *pager;
                pager::pause(self, full);
            }
        }
    }

    /// Takes in what was typed, and tells whether a running command may go on writing.
    fn may_write(&mut self) -> bool {
        if !self.running {
            self.input.poll(self.machine.console);
            return true;
        }
        self.output_cut |= self.input.interrupted(self.machine.console);
        !self.output_cut
    }

    /// Tells of an error, in a line of its own, in the colour of errors if there are colours.
    pub fn write_error(&mut self, message: fmt::Arguments<'_>) {
        let (on, off) = style::error(self.coloured);
        // Writing to a context cannot fail.
        let _ = fmt::Write::write_fmt(self, format_args!("{on}{message}{off}\n"));
    }
}

impl fmt::Write for Context<'_> {
    /// Writes to the console, each newline as CR LF.
    ///
    /// # Errors
    /// Ctrl-C was typed: nothing more is written. A command may end then, or go on in silence.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.write_raw(b"\r\n");
            }
            self.write_raw(line.as_bytes());
        }
        if self.output_cut {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// Writes `text` to a console, each newline as CR LF. End with a newline: only what goes
/// through [`Context`] is known to the prompt, which starts its own line.
pub fn write_console(console: &mut dyn Console, text: &str) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            console.write(b"\r\n");
        }
        if !line.is_empty() {
            console.write(line.as_bytes());
        }
    }
}
