//! Where the build leaves its files.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::error::{Error, ErrorKind, Result};

/// Returns the build folder: `BATON_BUILD`, else `build/` of the workspace.
pub fn folder() -> PathBuf {
    match env::var_os("BATON_BUILD") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
            root.unwrap_or(Path::new(".")).join("build")
        }
    }
}

/// Returns a file of the build folder, `kernel/zImage`.
///
/// # Errors
/// It has not been built.
pub fn file(name: &str) -> Result<PathBuf> {
    let path = folder().join(name);
    if path.exists() {
        // QEMU and mtools are started elsewhere than here: a path that holds from anywhere.
        return fs::canonicalize(&path)
            .map_err(|error| Error::io(format!("finding {}", path.display()), error));
    }
    Err(ErrorKind::Missing(path).into())
}

/// Reads a file of the build folder.
///
/// # Errors
/// It has not been built, or cannot be read.
pub fn read(name: &str) -> Result<Vec<u8>> {
    let path = file(name)?;
    fs::read(&path).map_err(|error| Error::io(format!("reading {}", path.display()), error))
}

/// Returns the CRC-32 of a file of the build folder.
///
/// # Errors
/// As [`read`].
pub fn crc32(name: &str) -> Result<u32> {
    Ok(crc32fast::hash(&read(name)?))
}

/// Returns the folder that keeps the transcripts of failures.
pub fn transcripts() -> PathBuf {
    folder().join("transcripts")
}
