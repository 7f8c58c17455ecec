use super::*;
use alloc::{format, vec::Vec};
use proptest::prelude::*;
use std::process::Command;

/// Wraps scripts as mkimage does.
pub fn wrap(scripts: &[&[u8]]) -> Vec<u8> {
    let mut data: Vec<u8> = Vec::new();
    for script in scripts {
        data.extend(u32::try_from(script.len()).unwrap().to_be_bytes());
    }
    data.extend([0; 4]);
    for (index, script) in scripts.iter().enumerate() {
        data.extend_from_slice(script);
        if index + 1 < scripts.len() {
            data.resize(data.len().next_multiple_of(4), 0);
        }
    }
    let mut image = Vec::from(MAGIC.to_be_bytes());
    image.resize(HEADER_SIZE, 0);
    image[DATA_SIZE..][..4].copy_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
    image[DATA_CRC..][..4].copy_from_slice(&crc32fast::hash(&data).to_be_bytes());
    image[28..32].copy_from_slice(&[5, 2, TYPE_SCRIPT, 0]);
    image[32..36].copy_from_slice(b"name");
    let sum = crc32fast::hash(&image);
    image[HEADER_CRC..][..4].copy_from_slice(&sum.to_be_bytes());
    image.extend(data);
    image
}

#[test]
fn takes_scripts_out() {
    let image = wrap(&[b"echo a\n"]);
    assert_eq!(script(&image, 0, true), Ok(&b"echo a\n"[..]));
    assert_eq!(script(&image, 1, true), Err(ScriptError::Missing(1)));
    let image = wrap(&[b"one", b"second", b"3"]);
    assert_eq!(check_header(&image), Ok(image.len()));
    for (number, expected) in [(0, &b"one"[..]), (1, b"second"), (2, b"3")] {
        assert_eq!(script(&image, number, true), Ok(expected));
    }
    assert_eq!(script(&image, 3, true), Err(ScriptError::Missing(3)));
}

/// mkimage itself: what `make test` installs.
#[test]
fn reads_what_mkimage_writes() {
    let folder = std::env::temp_dir().join(format!("baton-script-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("first", "echo one\n");
    write("second", "echo two; exit 3\n");
    let make = |data: &str, output: &str| {
        let made = Command::new("mkimage")
            .current_dir(&folder)
            .args([
                "-A", "arm", "-T", "script", "-n", "a test", "-d", data, output,
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        std::fs::read(folder.join(output)).unwrap()
    };
    let single = make("first", "single.scr");
    assert_eq!(script(&single, 0, true), Ok(&b"echo one\n"[..]));
    let double = make("first:second", "double.scr");
    assert_eq!(script(&double, 0, true), Ok(&b"echo one\n"[..]));
    assert_eq!(script(&double, 1, true), Ok(&b"echo two; exit 3\n"[..]));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn refuses_with_reasons() {
    let image = wrap(&[b"echo a\n"]);
    let changed = |at: usize, value: u8| {
        let mut image = image.clone();
        image[at] = value;
        image
    };
    for (bytes, error) in [
        (changed(0, 0), ScriptError::Format),
        (image[..60].to_vec(), ScriptError::Format),
        (changed(40, 1), ScriptError::HeaderCrc),
        (changed(74, b'E'), ScriptError::DataCrc),
        (
            image[..70].to_vec(),
            ScriptError::Short {
                claimed: 79,
                held: 70,
            },
        ),
        (wrap(&[]), ScriptError::Empty),
    ] {
        assert_eq!(script(&bytes, 0, true), Err(error));
    }
    assert!(script(&changed(74, b'E'), 0, false).is_ok());
    // No script: the type, and the checksum put right for it.
    let mut kernel = changed(TYPE, 2);
    kernel[HEADER_CRC..][..4].fill(0);
    let sum = crc32fast::hash(&kernel[..HEADER_SIZE]);
    kernel[HEADER_CRC..][..4].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(script(&kernel, 0, true), Err(ScriptError::Type(2)));
}

proptest! {
    /// Sizes that lie: the checksums are right, so nothing else refuses them.
    #[test]
    fn any_data_is_safe(data in proptest::collection::vec(prop_oneof![Just(0), Just(4), any::<u8>()], 0..40), number in 0_usize..5) {
        let _ = select(&data, number);
    }
}
