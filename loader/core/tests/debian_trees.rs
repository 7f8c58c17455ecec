//! Every board tree that Debian ships must pass: check, early scan, discovery, working tree,
//! and what the working tree writes must be the same tree again. dtoolkit is the judge of that.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test: it may panic")]

mod common;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use baton_core::devicetree::{WorkingTree, check, discover, early};
use dtoolkit::{fdt::Fdt, model::DeviceTree};

fn blobs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(blobs(&path));
        } else if path.extension().is_some_and(|extension| extension == "dtb") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn try_one(path: &Path, blob: &[u8]) -> Result<(usize, usize), String> {
    let text = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let checked = check(blob).map_err(|error| text(&error))?;
    let early = early::memory(blob).map_err(|error| text(&error))?;
    let found = discover(blob, common::open).map_err(|error| text(&error))?;
    if found.model.is_empty() || found.devices.is_empty() {
        return Err(text(&"no model or devices"));
    }
    let sum = |banks: &[platform_api::PhysRange]| banks.iter().map(|bank| bank.size()).sum::<u64>();
    if sum(&early.banks) != sum(&found.memory) {
        return Err(text(&"the early scan and discovery disagree about memory"));
    }
    let reserved: BTreeSet<_> = found.reservations.iter().map(|known| known.range).collect();
    let early_reserved: BTreeSet<_> = early.reserved.iter().copied().collect();
    if early_reserved != reserved {
        return Err(text(
            &"the early scan and discovery disagree about reservations",
        ));
    }
    let tree = WorkingTree::load(blob).map_err(|error| text(&error))?;
    let written = tree.to_dtb(4096).map_err(|error| text(&error))?;
    let again = check(&written).map_err(|error| text(&error))?;
    if (again.nodes(), again.properties()) != (checked.nodes(), checked.properties()) {
        return Err(text(&"nodes or properties were lost"));
    }
    let before = DeviceTree::from_fdt(&Fdt::new_unchecked(blob));
    let after = DeviceTree::from_fdt(&Fdt::new_unchecked(&written));
    if before != after {
        return Err(text(&"dtoolkit reads another tree from what we wrote"));
    }
    if discover(&written, common::open).map_err(|error| text(&error))? != found {
        return Err(text(&"discovery changed"));
    }
    Ok((checked.nodes(), checked.properties()))
}

#[test]
#[ignore = "needs Debian's 898 board trees: BATON_DTBS=FOLDER, `make test` gives it"]
fn every_debian_tree_passes() {
    let folder = env::var_os("BATON_DTBS").expect("BATON_DTBS names the folder of the trees");
    let paths = blobs(Path::new(&folder));
    assert!(
        paths.len() >= 800,
        "only {} trees in {folder:?}",
        paths.len()
    );
    let mut failures = Vec::new();
    let mut most = (0, 0, PathBuf::new());
    let mut long_names = 0;
    for path in &paths {
        let blob = fs::read(path).unwrap();
        match try_one(path, &blob) {
            Ok((nodes, properties)) => {
                if nodes > most.0 {
                    most = (nodes, properties, path.clone());
                }
                long_names += usize::from(check(&blob).unwrap().has_long_names());
            }
            Err(failure) => failures.push(failure),
        }
    }
    println!(
        "{} trees, {long_names} with long names; the largest is {} with {} nodes and {} properties",
        paths.len(),
        most.2.display(),
        most.0,
        most.1
    );
    assert!(
        failures.is_empty(),
        "{} trees failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
