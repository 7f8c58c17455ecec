//! Stock labgrid drives Baton: tools/labgrid, run as a lab runs it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use harness::{Result, Session, build, here, regex};

/// A whole run starts five machines, one after the other.
const PATIENCE: Duration = Duration::from_secs(600);

fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.unwrap_or(Path::new(".")).join("tools/labgrid")
}

/// Prompt, commands and their status, the kernel's shell, off and on: by labgrid's UBootDriver,
/// QEMUDriver and ShellDriver, with our strategy.
#[test]
fn stock_drivers_and_our_strategy_drive_baton() -> Result<()> {
    let mut pytest = Command::new(build::file("labgrid/bin/pytest")?);
    pytest
        .args(["-p", "no:cacheprovider", "--color=no", "--lg-env"])
        .arg(folder().join("qemu-virt.yaml"))
        .arg(folder().join("test_baton.py"));
    passes(here!(), pytest)
}

/// The same tests on a board that is reserved at labgrid's coordinator: serial port and power
/// switch come from its exporter. All of it on the loopback interface.
#[test]
fn a_farmed_board_is_driven_the_same_way() -> Result<()> {
    let mut python = Command::new(build::file("labgrid/bin/python")?);
    python.arg(folder().join("farm.py"));
    passes(here!(), python)
}

fn passes(name: &str, mut pytest: Command) -> Result<()> {
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    let mut session = Session::outside(name, pytest)?;
    session.forbid(regex("[0-9]+ (failed|error|skipped)"));
    session.expect_for(regex("=+ 5 passed in "), PATIENCE)?;
    let status = session.expect_exit(Duration::from_secs(30))?;
    assert!(status.success(), "{status}");
    Ok(())
}
