//! Counts instructions and accesses to devices between marks, for `make bench BOARD=...`.
//!
//! Nothing is modelled here: a mark is the address of an instruction; each time one is executed, a
//! line says how much there was before it. The machine and what runs on it are as they are.

use std::{
    fs::File,
    io::Write,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What is counted, and where it is told.
pub struct Plan {
    /// Addresses of instructions.
    pub marks: Vec<u64>,
    /// First address and size of the registers that are counted by themselves.
    pub window: (u64, u64),
    out: Mutex<File>,
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static INSTRUCTIONS: AtomicU64 = AtomicU64::new(0);
static DEVICES: AtomicU64 = AtomicU64::new(0);
static WINDOW: AtomicU64 = AtomicU64::new(0);

/// Reads the plugin's arguments: `count=START:SIZE`, `mark=ADDRESS` (more than one), `out=FILE`,
/// numbers in hexadecimal. Without `count` it is none of ours.
///
/// # Errors
/// Says which argument is wrong.
pub fn plan(arguments: &[String]) -> Result<bool, String> {
    let hex = |text: &str| u64::from_str_radix(text, 16).map_err(|_| format!("{text}: no number"));
    let (mut window, mut out, mut marks) = (None, None, Vec::new());
    for argument in arguments {
        match argument.split_once('=').unwrap_or((argument, "")) {
            ("count", value) => {
                let (start, size) = value.split_once(':').ok_or("count=START:SIZE is wanted")?;
                window = Some((hex(start)?, hex(size)?));
            }
            ("mark", value) => marks.push(hex(value)?),
            ("out", value) => out = Some(value),
            _ => {}
        }
    }
    let Some(window) = window else {
        return Ok(false);
    };
    let path = out.ok_or("out=FILE is wanted")?;
    let out = File::create(path).map_err(|error| format!("{path}: {error}"))?;
    let plan = Plan {
        marks,
        window,
        out: Mutex::new(out),
    };
    PLAN.set(plan).map_err(|_| "twice".to_owned())?;
    Ok(true)
}

/// Tells whether the instruction at this address is a mark.
pub fn is_mark(address: u64) -> bool {
    PLAN.get().is_some_and(|plan| plan.marks.contains(&address))
}

/// Counts an instruction.
pub fn instruction() {
    INSTRUCTIONS.fetch_add(1, Relaxed);
}

/// Counts an access to a device.
pub fn device(physical: u64) {
    DEVICES.fetch_add(1, Relaxed);
    let inside = |plan: &Plan| physical.wrapping_sub(plan.window.0) < plan.window.1;
    if PLAN.get().is_some_and(inside) {
        WINDOW.fetch_add(1, Relaxed);
    }
}

/// Writes down what there was before this mark.
pub fn mark(address: u64) {
    let counts = [&INSTRUCTIONS, &DEVICES, &WINDOW].map(|count| count.load(Relaxed));
    let line = line(address, counts);
    let Some(mut out) = PLAN.get().and_then(|plan| plan.out.lock().ok()) else {
        return;
    };
    // Whoever reads it finds that a line is missing.
    let _ = out.write_all(line.as_bytes());
}

fn line(address: u64, [instructions, devices, window]: [u64; 3]) -> String {
    format!("mark {address:x} instructions {instructions} devices {devices} window {window}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_every_count() {
        assert_eq!(
            line(0x4a00_0000, [7, 5, 3]),
            "mark 4a000000 instructions 7 devices 5 window 3\n"
        );
    }

    #[test]
    fn wrong_arguments_are_named() {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(plan(&words(&["ram=0:1"])), Ok(false));
        for (arguments, wanted) in [
            (["count=1", "out=x"], "count=START:SIZE"),
            (["count=1:2", "mark=xyz"], "xyz: no number"),
            (["count=1:2", "mark=1"], "out=FILE"),
            (["count=1:2", "out=/nosuch/file"], "/nosuch/file: "),
        ] {
            let error = plan(&words(&arguments)).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
