//! What the witness judges, and how: plain data in, lines of a report out.
//!
//! A payload's binary captures the state it was entered in ([`EntryState`], filled by its
//! entry code), asks the machine what can be asked later ([`survey`]), reads the device tree
//! ([`tree`]) and has all of it judged ([`judge()`]) by the rules of "what a payload is owed".
//! None of that needs the machine, so all of it is tested on the host, each rule with a value
//! that breaks it.
//!
//! Nothing here is shared with the loader, not even the tree walker: a bug must not hide in
//! both the accused and the witness.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod crc;
pub mod judge;
pub mod range;
pub mod state;
pub mod survey;
pub mod tree;

pub use judge::{Evidence, ImageFacts, Sink, judge};
pub use range::Range;
pub use state::{EntryState, Mode};
