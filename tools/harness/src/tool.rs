//! Runs host programs to their end.

use std::process::{Command, Stdio};

use crate::error::{ErrorKind, Result};

/// Runs a program that must succeed; what it prints on its standard error goes into the error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}");
    let fail = |why: String| ErrorKind::Tool {
        command: line.clone(),
        why,
    };
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| fail(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(fail(format!("{}: {}", output.status, stderr.trim_end())).into())
}
