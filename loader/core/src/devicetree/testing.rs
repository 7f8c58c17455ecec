//! Trees for tests, from their source by `dtc`.

extern crate std;

use alloc::{string::String, vec::Vec};
use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::{WorkingTree, render};

/// Compiles a tree with the boot CPU 0.
///
/// # Panics
/// If there is no `dtc` (Debian: `apt install device-tree-compiler`), or it refuses the source.
pub(crate) fn compile(source: &str) -> Vec<u8> {
    let mut dtc = Command::new("dtc")
        .args(["-q", "-I", "dts", "-O", "dtb", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need dtc, of device-tree-compiler");
    dtc.stdin
        .take()
        .unwrap()
        .write_all(source.as_bytes())
        .unwrap();
    let output = dtc.wait_with_output().unwrap();
    assert!(output.status.success(), "dtc refused:\n{source}");
    output.stdout
}

/// Compiles and loads a tree.
pub(crate) fn tree(source: &str) -> WorkingTree {
    WorkingTree::load(&compile(source)).unwrap()
}

/// Prints a tree as `fdt print` does.
pub(crate) fn printed(tree: &WorkingTree) -> String {
    let mut text = String::new();
    render::node(&mut text, tree, tree.root(), usize::MAX).unwrap();
    text
}
