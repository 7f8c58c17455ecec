//! The console's hands: what is typed ([`Input`]), how a line of it is edited ([`LineEditor`]),
//! and the prompt around both ([`Session`]).

mod autoboot;
mod editor;
mod escape;
mod history;
mod input;
mod session;

pub use autoboot::Autoboot;
pub use editor::{Event, LineEditor, MAX_LINE};
pub use history::History;
pub use input::Input;
pub use session::{CONTINUATION, PROMPT, Session};

/// Ctrl-C.
pub const INTERRUPT: u8 = 0x03;

/// The terminal's bell: a key that can do nothing here.
const BELL: u8 = 0x07;
