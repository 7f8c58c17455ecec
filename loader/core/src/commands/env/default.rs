//! `env default`: variables as they were made.

use core::fmt::Write;

use super::options;
use crate::{commands::CommandError, context::Context};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (letters, names) = options(arguments.get(1..).unwrap_or_default(), "af")?;
    let force = letters.contains('f');
    match (letters.contains('a'), names) {
        (true, []) => {
            cx.env.reset(true);
            cx.store.default = true;
            let _ = cx.write_str("## Resetting to default environment\n");
            Ok(())
        }
        (false, [_, ..]) => {
            for name in names {
                let value = cx.env.default_value(name).map(alloc::string::String::from);
                // One without a default stays as it is.
                if let Some(value) = value
                    && let Err(error) = cx.env.assign(name, &value, force)
                {
                    let _ = writeln!(cx, "{error}");
                }
            }
            Ok(())
        }
        _ => Err(CommandError::usage()),
    }
}
