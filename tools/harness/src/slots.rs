//! Bounds how many machines run at once, over every test process of a run.
//!
//! An emulated machine keeps a host CPU or two busy, and test runners start as many tests as
//! they like. The bound is a set of lock files, which the kernel releases when their process
//! ends, however it ends.

use std::{
    env,
    fs::{self, File},
    thread,
    time::{Duration, Instant},
};

use crate::{
    build,
    error::{Error, ErrorKind, Result},
};

/// How long a machine waits for its turn: every machine before it has timeouts of its own.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The right to run one machine; given back on drop. A test that holds one while it starts
/// a second machine may wait for itself: run machines one after the other.
#[derive(Debug)]
pub(crate) struct Slot {
    _lock: File,
}

impl Slot {
    /// Waits for a free place. There are `BATON_MACHINES` of them, else one for each CPU.
    pub(crate) fn take() -> Result<Self> {
        let folder = build::folder().join("slots");
        fs::create_dir_all(&folder)
            .map_err(|error| Error::io(format!("creating {}", folder.display()), error))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            for number in 0..places() {
                let path = folder.join(number.to_string());
                let file = File::create(&path)
                    .map_err(|error| Error::io(format!("creating {}", path.display()), error))?;
                if file.try_lock().is_ok() {
                    return Ok(Self { _lock: file });
                }
            }
            if Instant::now() >= deadline {
                return Err(ErrorKind::Timeout {
                    wanted: "free place for a machine".to_owned(),
                    after: PATIENCE,
                }
                .into());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn places() -> usize {
    let wanted = env::var("BATON_MACHINES").ok();
    match wanted.and_then(|wanted| wanted.parse().ok()) {
        Some(places @ 1..) => places,
        _ => thread::available_parallelism().map_or(1, usize::from),
    }
}
