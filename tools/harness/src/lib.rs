//! Starts a described machine, drives its console, keeps the transcript.
//!
//! A [`Machine`] says what to emulate; [`Machine::start`] gives a [`Session`]: its serial
//! console, with a timeout on every wait. [`Card`] is the SD card, as built or with broken
//! files. [`flow`] knows the way from U-Boot to Baton's prompt.
//!
//! ```no_run
//! # fn main() -> harness::Result<()> {
//! use harness::{Card, Machine, flow};
//! let mut session = Machine::virt("example").card(Card::built()?).start()?;
//! flow::baton_prompt(&mut session)?;
//! assert_eq!(session.run_ok("echo one two")?, "one two\n");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod arrival;
#[cfg(test)]
mod baton_kexec_tests;
pub mod build;
pub mod caches;
mod card;
mod count;
mod error;
pub mod flow;
mod gdb;
pub mod linux;
mod machine;
mod monitor;
mod pattern;
pub mod rate;
mod scratch;
mod script;
mod session;
mod slots;
pub mod soak;
mod tool;
mod transcript;
mod typing;
pub mod witness;

pub use card::Card;
pub use count::{Mark, count};
pub use error::{Error, ErrorKind, Result};
pub use machine::{FirstStage, Machine};
pub use monitor::Monitor;
pub use pattern::{Match, Pattern, regex};
pub use script::boot_script;
pub use session::{DEFAULT_TIMEOUT, Output, Session};
pub use typing::{Typed, typing};

/// Names the function it is used in, `prompt::echo`: a machine's and its transcript's name.
#[macro_export]
macro_rules! here {
    () => {{
        fn marker() {}
        let name = ::std::any::type_name_of_val(&marker);
        name.trim_end_matches("::marker")
            .trim_end_matches("::{{closure}}")
    }};
}

/// Fails the session, and with it the test, if a condition does not hold.
#[macro_export]
macro_rules! ensure {
    ($session:expr, $condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($session.fail($crate::ErrorKind::Check(format!($($message)+))));
        }
    };
}
