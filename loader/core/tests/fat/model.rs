//! Random operations against a model: a map of paths.

use std::{collections::BTreeMap, fs};

use baton_core::storage::{StorageError, StorageProblem};
use proptest::prelude::*;

use crate::bench::{Format, Scratch, Volume, tool};

#[derive(Clone, Debug)]
enum Operation {
    Write(usize, Vec<u8>),
    /// At a part of the file's size, in 256ths.
    WriteAt(usize, u8, Vec<u8>),
    Remove(usize),
    Create(usize),
}

const PATHS: &[&str] = &[
    "zImage",
    "uboot.env",
    "uboot-redund.env",
    "A long name with Blanks.txt",
    "UPPER.TXT",
    "noext",
    "a.b.c",
    "d\u{e9}j\u{e0} vu",
    "dir",
    "dir/one",
    "dir/another file.bin",
    "dir/sub directory",
    "dir/sub directory/deep",
];

fn operation() -> impl Strategy<Value = Operation> {
    let path = 0..PATHS.len();
    let bytes = (any::<u8>(), 0_usize..6000).prop_map(|(byte, size)| vec![byte; size]);
    prop_oneof![
        4 => (path.clone(), bytes.clone()).prop_map(|(p, b)| Operation::Write(p, b)),
        2 => (path.clone(), any::<u8>(), bytes).prop_map(|(p, at, b)| Operation::WriteAt(p, at, b)),
        2 => path.clone().prop_map(Operation::Remove),
        2 => path.prop_map(Operation::Create),
    ]
}

/// What is on the volume: a file's content, or a directory.
type Model = BTreeMap<&'static str, Option<Vec<u8>>>;

fn parent_is_there(model: &Model, path: &str) -> bool {
    match path.rsplit_once('/') {
        Some((parent, _)) => matches!(model.get(parent), Some(None)),
        None => true,
    }
}

/// Does it to both; they must agree on whether it can be done.
fn apply(volume: &Volume, model: &mut Model, operation: &Operation) {
    let (done, expected) = match operation {
        Operation::Write(path, bytes) => {
            let path = PATHS[*path];
            let fits = parent_is_there(model, path) && !matches!(model.get(path), Some(None));
            if fits {
                model.insert(path, Some(bytes.clone()));
            }
            (volume.write(path, 0, bytes), fits)
        }
        Operation::WriteAt(path, at, bytes) => {
            let path = PATHS[*path];
            match model.get_mut(path) {
                Some(Some(content)) => {
                    let at = content.len() * usize::from(*at) / 256;
                    content.truncate(at);
                    content.extend_from_slice(bytes);
                    (volume.write(path, at as u64, bytes), true)
                }
                _ => (volume.write(path, 1, bytes), false),
            }
        }
        Operation::Remove(path) => {
            let path = PATHS[*path];
            let inside = format!("{path}/");
            let empty = !model.keys().any(|other| other.starts_with(&inside));
            let fits = model.contains_key(path) && empty;
            if fits {
                model.remove(path);
            }
            (volume.remove(path), fits)
        }
        Operation::Create(path) => {
            let path = PATHS[*path];
            let fits = parent_is_there(model, path) && !model.contains_key(path);
            if fits {
                model.insert(path, None);
            }
            (volume.create_directory(path), fits)
        }
    };
    assert_eq!(done.is_ok(), expected, "{operation:?}: {done:?}");
}

fn check(volume: &Volume, model: &Model) {
    assert_eq!(volume.complaints(), [""; 0]);
    for path in PATHS {
        let found = volume.read(path);
        match model.get(path) {
            Some(Some(content)) => assert!(found.as_ref() == Ok(content), "{path}"),
            Some(None) => assert_eq!(
                found,
                Err(StorageProblem::IsDirectory((*path).into()).into())
            ),
            None => assert!(
                matches!(
                    found.as_ref().map_err(StorageError::problem),
                    Err(StorageProblem::Missing(_) | StorageProblem::NotDirectory(_))
                ),
                "{path}: {found:?}"
            ),
        }
    }
}

/// Reads every file of the model with mtools.
fn check_with_mtools(volume: &Volume, model: &Model) {
    let image = Scratch::new();
    fs::write(&image.0, volume.disk.content()).unwrap();
    for (path, content) in model {
        let Some(content) = content else { continue };
        let out = Scratch::new();
        let source = format!("::{path}");
        let target = out.0.to_str().unwrap();
        let copied = tool("mcopy", &["-i", image.0.to_str().unwrap(), &source, target]);
        // Mtools converts names with the host's code page.
        if !copied.status.success() && !path.is_ascii() {
            continue;
        }
        assert!(copied.status.success(), "{path}: {copied:?}");
        assert!(fs::read(&out.0).unwrap() == *content, "{path}");
    }
}

fn formats() -> impl Strategy<Value = Format> {
    (prop_oneof![Just(12), Just(16), Just(32)], 0_u32..3).prop_map(|(bits, shift)| Format {
        bits,
        kib: match bits {
            12 => 1000,
            16 => 2300 << shift,
            _ => 34_000 << shift,
        },
        cluster: 1 << shift,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_operations_leave_what_a_model_says(
        format in formats(),
        operations in proptest::collection::vec(operation(), 1..40),
    ) {
        let volume = Volume::new(format.make());
        let mut model = Model::new();
        for operation in &operations {
            apply(&volume, &mut model, operation);
        }
        check(&volume, &model);
        check_with_mtools(&volume, &model);
    }
}
