//! Each operation by itself: what it refuses, and that refusing changes nothing.

use baton_core::storage::{FatError, StorageProblem};

use crate::bench::{SMALL, Volume};

#[test]
fn refusals_change_nothing() {
    for format in SMALL {
        let volume = Volume::new(format.make());
        volume.create_directory("dir").unwrap();
        volume.write("dir/file", 0, b"abc").unwrap();
        let before = volume.disk.content();
        let missing = |path: &str| Err(StorageProblem::Missing(path.into()).into());
        assert_eq!(volume.write("no/file", 0, b""), missing("no"));
        assert_eq!(volume.remove("file"), missing("file"));
        assert_eq!(
            volume.write("dir", 0, b""),
            Err(StorageProblem::IsDirectory("dir".into()).into())
        );
        assert_eq!(
            volume.write("dir/file/x", 0, b""),
            Err(StorageProblem::NotDirectory("dir/file".into()).into())
        );
        assert_eq!(
            volume.create_directory("DIR"),
            Err(StorageProblem::Exists("DIR".into()).into())
        );
        assert_eq!(
            volume.remove("dir"),
            Err(StorageProblem::NotEmpty("dir".into()).into())
        );
        for name in ["a:b", "a?", "end.", "end ", "tab\t", &"x".repeat(256)] {
            let bad = Err(StorageProblem::BadName(name.into()).into());
            assert_eq!(volume.write(name, 0, b""), bad, "{name}");
        }
        for path in ["", "/", "dir/..", "dir/", "."] {
            let bad = Err(StorageProblem::BadName(path.into()).into());
            assert_eq!(volume.write(path, 0, b""), bad, "{path}");
            assert_eq!(volume.remove(path), bad, "{path}");
        }
        assert!(matches!(
            volume.write("dir/file", 4, b"").unwrap_err().problem(),
            StorageProblem::PastEnd { size: 3, .. }
        ));
        let large = vec![1; format.kib as usize * 1024];
        assert!(matches!(
            volume.write("large", 0, &large).unwrap_err().problem(),
            StorageProblem::Fat(FatError::NoSpace { .. })
        ));
        assert!(volume.disk.content() == before);
    }
}

#[test]
fn a_full_disk_is_filled_to_the_last_cluster() {
    for format in SMALL {
        let volume = Volume::new(format.make());
        let mut size = format.kib as usize * 1024;
        let mut fill = |name: &str| {
            while size > 0 && volume.write(name, 0, &vec![7; size]).is_err() {
                size -= 512;
            }
            size
        };
        let largest = fill("all");
        assert!(largest > 0);
        assert_eq!(volume.complaints(), [""; 0]);
        assert_eq!(volume.read("all").unwrap(), vec![7; largest]);
        let error = volume.write("more", 0, b"x").unwrap_err();
        assert!(error.to_string().contains("0x0 are free"), "{error}");
        // A file without clusters still fits, and what is removed is room again.
        volume.write("none", 0, b"").unwrap();
        volume.remove("all").unwrap();
        volume.write("again", 0, &vec![8; largest]).unwrap();
        assert_eq!(volume.complaints(), [""; 0]);
    }
}

#[test]
fn a_fixed_root_gets_full() {
    let volume = Volume::new(SMALL[0].make());
    let mut count = 0;
    let error = loop {
        match volume.write(&format!("{count}"), 0, b"") {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(count, 512);
    assert_eq!(error, FatError::DirectoryFull.into());
    assert_eq!(volume.complaints(), [""; 0]);
    volume.remove("17").unwrap();
    volume.write("one more", 0, b"").unwrap_err();
    volume.write("onemore", 0, b"").unwrap();
    assert_eq!(volume.complaints(), [""; 0]);
}

#[test]
fn stops_between_pieces_and_changes_nothing() {
    use baton_core::storage;
    let volume = Volume::new(SMALL[1].make());
    volume.write("file", 0, &[1; 5000]).unwrap();
    let bytes = vec![2; 600 << 10];
    let mut left = 2;
    let stopped = storage::write(
        &mut volume.disks(),
        crate::bench::VOLUME,
        "file",
        0,
        &bytes,
        &mut || {
            left -= 1;
            left > 0
        },
    );
    assert_eq!(stopped, Err(StorageProblem::Interrupted.into()));
    assert_eq!(volume.read("file").unwrap(), [1; 5000]);
    assert_eq!(volume.complaints(), [""; 0]);
}

#[test]
fn many_alike_names_get_short_ones_of_their_own() {
    let volume = Volume::new(SMALL[1].make());
    volume.create_directory("Directory").unwrap();
    for index in 0..40 {
        let path = format!("Directory/alike name number {index}");
        volume.write(&path, 0, path.as_bytes()).unwrap();
    }
    assert_eq!(volume.complaints(), [""; 0]);
    for index in 0..40 {
        let path = format!("directory/ALIKE name number {index}");
        let content = format!("Directory/alike name number {index}");
        assert_eq!(volume.read(&path).unwrap(), content.as_bytes());
    }
}
