//! The lines the witness prints and the arguments it is told.
//!
//! The witness (`payloads/report`) is entered by a loader and judges the state it was entered in.
//! What it has to say leaves by a serial port, so its report is text, one fact a line, each line
//! beginning with [`PREFIX`] in the first column. Both ends use the types here: the witness
//! writes a [`Line`] by its `Display`, a host tool reads it back by [`Line::parse`], and neither
//! knows the spelling. Lines without the prefix are somebody else's and parse to `None`.
//!
//! ```
//! use report_format::{Line, Value, Verdict};
//!
//! let line = Line::parse("report: rule regs.r0 FAIL got=1 want=0");
//! assert_eq!(
//!     line,
//!     Some(Ok(Line::Rule {
//!         name: "regs.r0",
//!         verdict: Verdict::Fail { got: Value::Number(1), want: Value::Number(0) },
//!     }))
//! );
//! ```
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod arguments;
mod hops;
mod line;
mod parse;
mod value;

pub use arguments::{ArgumentError, Arguments, Then};
pub use hops::Hops;
pub use line::{Line, PREFIX, Tally, Verdict};
pub use parse::ParseError;
pub use value::Value;

#[cfg(test)]
mod tests;
