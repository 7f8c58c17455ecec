//! The console's hands: what is typed ([`Input`]), how a line of it is edited ([`LineEditor`]),
//! and the prompt around both ([`Session`]).

mod autoboot;
mod completion;
mod editor;
mod escape;
mod history;
mod input;
mod line;
pub mod pager;
mod session;
pub mod style;

pub use autoboot::Autoboot;
pub use completion::complete;
pub use editor::{Candidate, Event, LineEditor, MAX_LINE};
pub use history::History;
pub use input::Input;
pub use line::read_line;
pub use pager::Pager;
pub use session::{CONTINUATION, PROMPT, Session};

/// Ctrl-C.
pub const INTERRUPT: u8 = 0x03;

/// The terminal's bell: a key that can do nothing here.
const BELL: u8 = 0x07;
