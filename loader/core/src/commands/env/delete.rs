//! `env delete`: removes variables.

use core::fmt::Write;

use super::options;
use crate::{commands::CommandError, context::Context};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (letters, names) = options(arguments.get(1..).unwrap_or_default(), "f")?;
    let mut all = true;
    for name in names {
        match cx.env.try_remove(name, letters.contains('f')) {
            Ok(was_there) => all &= was_there,
            Err(error) => {
                all = false;
                let _ = writeln!(cx, "{error}");
            }
        }
    }
    if all {
        Ok(())
    } else {
        Err(CommandError::status(1))
    }
}
