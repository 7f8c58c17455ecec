//! What a command works on.

use alloc::{string::String, vec::Vec};
use core::fmt;

use platform_api::{Console, PhysRange};

use crate::{boot::MemoryMap, devicetree::WorkingTree, env::Environment, machine::Machine};

/// A file that `load` put into memory. `bootz` uses it to know sizes; the handoff cleans all
/// of it all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    /// Its path on the volume.
    pub path: String,
    /// Where it lies.
    pub range: PhysRange,
}

/// The state of a session at the prompt.
pub struct Context<'a> {
    /// The machine.
    pub machine: Machine<'a>,
    /// Variables.
    pub env: Environment,
    /// Whose memory is whose.
    pub map: MemoryMap,
    /// The working device tree; `None` where the first stage gave none.
    pub tree: Option<WorkingTree>,
    /// Files loaded since the start, newest last.
    pub loaded: Vec<LoadedFile>,
    /// Status of the last command, `$?`.
    pub status: u8,
    /// Device-tree model, for the banner and `bdinfo`.
    pub model: String,
}

impl fmt::Write for Context<'_> {
    /// Writes to the console, each newline as CR LF.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_console(self.machine.console, text);
        Ok(())
    }
}

/// Writes `text` to a console, each newline as CR LF.
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
