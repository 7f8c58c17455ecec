//! A folder that lasts as long as a session.

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::error::{Error, Result};

/// A folder of one's own, removed on drop. Its path is short: it holds Unix sockets, whose names
/// are limited to 107 bytes.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes a folder that no other session has.
    pub(crate) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("baton-{}-{count}", process::id()));
        // One left over by a process that had this number before us.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path)
            .map_err(|error| Error::io(format!("creating {}", path.display()), error))?;
        Ok(Self(path))
    }

    /// Returns the path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing to be done about one that stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
