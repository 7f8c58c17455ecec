//! Power lost after every sector that an operation writes.

use std::collections::BTreeMap;

use baton_core::storage::StorageError;

use crate::bench::{Format, SMALL, Volume};

/// What is done, and how.
struct Case {
    name: &'static str,
    run: fn(&Volume) -> Result<(), StorageError>,
    /// The path that changes; nothing else may.
    path: &'static str,
}

const LONG: &str = "a name that is long enough to take more than one slot of a directory.text";

const CASES: &[Case] = &[
    Case {
        name: "a new file with a short name",
        run: |volume| volume.write("new.bin", 0, &[1; 3000]),
        path: "new.bin",
    },
    Case {
        name: "a new file with a long name",
        run: |volume| volume.write(LONG, 0, &[2; 1500]),
        path: LONG,
    },
    Case {
        name: "an empty file",
        run: |volume| volume.write("nothing", 0, &[]),
        path: "nothing",
    },
    Case {
        name: "a file replaced by a longer one",
        run: |volume| volume.write("kept.bin", 0, &[3; 5000]),
        path: "kept.bin",
    },
    Case {
        name: "a file replaced by a shorter one",
        run: |volume| volume.write("kept.bin", 0, &[4; 100]),
        path: "kept.bin",
    },
    Case {
        name: "a file emptied",
        run: |volume| volume.write("kept.bin", 0, &[]),
        path: "kept.bin",
    },
    Case {
        name: "a file appended to",
        run: |volume| volume.write("kept.bin", 2000, &[5; 700]),
        path: "kept.bin",
    },
    Case {
        name: "a file removed",
        run: |volume| volume.remove("kept.bin"),
        path: "kept.bin",
    },
    Case {
        name: "a file with a long name removed",
        run: |volume| volume.remove("Another long name.bin"),
        path: "Another long name.bin",
    },
    Case {
        name: "a directory made",
        run: |volume| volume.create_directory("New Directory"),
        path: "New Directory",
    },
    Case {
        name: "an empty directory removed",
        run: |volume| volume.remove("empty"),
        path: "empty",
    },
    Case {
        name: "a directory that grows",
        run: |volume| volume.write("full/one more long file name", 0, &[6; 600]),
        path: "full/one more long file name",
    },
    Case {
        name: "a directory that grows by more than a cluster",
        run: |volume| volume.write(&format!("full/{}", "x".repeat(230)), 0, &[7; 600]),
        path: "full/?",
    },
];

const OTHERS: &[&str] = &[
    "kept.bin",
    "Another long name.bin",
    "other.bin",
    "full/0",
    "full/13",
];

/// A volume with files, and a directory whose one cluster is full.
fn prepared(format: Format) -> Vec<u8> {
    let volume = Volume::new(format.make());
    volume.write("kept.bin", 0, &[0xaa; 2500]).unwrap();
    volume
        .write("Another long name.bin", 0, &[0xbb; 1300])
        .unwrap();
    volume.create_directory("empty").unwrap();
    volume.create_directory("full").unwrap();
    for index in 0..14 {
        volume.write(&format!("full/{index}"), 0, &[index]).unwrap();
    }
    volume.write("other.bin", 0, &[0xcc; 4000]).unwrap();
    assert_eq!(volume.complaints(), [""; 0]);
    volume.disk.content()
}

/// Returns what matters of each path: its content, or what cannot be read of it.
fn state(volume: &Volume, path: &str) -> Vec<(String, Result<Vec<u8>, String>)> {
    let paths = OTHERS.iter().copied().chain([path]);
    paths
        .map(|path| {
            let content = volume.read(path);
            (path.into(), content.map_err(|error| error.to_string()))
        })
        .collect()
}

/// A complaint that a cut may leave behind, in fsck.vfat's words.
pub fn is_harmless(line: &str) -> bool {
    const STARTS: &[&str] = &[
        // Lost clusters, and what follows from them.
        "Reclaimed ",
        "Reclaiming ",
        "Free cluster summary wrong",
        "  Auto-correcting.",
        // The copies of the table are two sectors.
        "FATs differ but appear to be intact.",
        "  Using first FAT.",
        "Leaving filesystem unchanged.",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}

#[test]
fn a_cut_loses_clusters_at_most() {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for format in SMALL {
        let image = prepared(format);
        for case in CASES {
            let name = format!("FAT{}: {}", format.bits, case.name);
            let before = state(&Volume::new(image.clone()), case.path);
            let whole = Volume::new(image.clone());
            (case.run)(&whole).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(whole.complaints(), [""; 0], "{name}");
            let after = state(&whole, case.path);
            let requests = whole.disk.take_requests();
            let blocks: u64 = requests.iter().filter(|r| r.write).map(|r| r.blocks).sum();
            assert!(blocks > 0, "{name}");
            let mut switched = false;
            for cut in 0..blocks {
                let volume = Volume::new(image.clone());
                volume.disk.cut_power_after_blocks(cut);
                // It believes in its writes, which were lost.
                let _ = (case.run)(&volume);
                let volume = Volume::new(volume.disk.content());
                let found = state(&volume, case.path);
                let new = found == after && before != after;
                assert!(new || found == before, "{name}, cut {cut}: {found:?}");
                assert!(new || !switched, "{name}, cut {cut}: old again");
                switched |= new;
                for line in volume.complaints() {
                    assert!(is_harmless(&line), "{name}, cut {cut} of {blocks}: {line}");
                    let words = line.trim_matches(|c: char| c.is_ascii_digit());
                    *seen.entry(words.into()).or_default() += 1;
                }
            }
        }
    }
    for (line, count) in seen {
        println!("{count:6} {line}");
    }
}
