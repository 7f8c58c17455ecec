//! Whole sessions, byte for byte. Where U-Boot has the command, the expected bytes were compared
//! with what U-Boot 2023.01 prints for the same line on QEMU's virt.

mod autoboot;
mod bench;
mod board;
mod checks;
#[path = "../common/mod.rs"]
mod common;
mod editing;
mod env;
mod information;
mod language;
mod memory;
mod prompt;
mod scripts;
mod shell;

/// Types each line and compares what it shows.
fn assert_all(cases: &[(&str, &str)]) {
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    for (shown, (line, expected)) in bench::outputs(&lines).iter().zip(cases) {
        assert_eq!(shown, expected, "{line}");
    }
}
