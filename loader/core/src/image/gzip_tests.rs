//! gzip data as the `gzip` of the host writes them, and broken ones.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use proptest::prelude::*;

use super::*;

/// Compresses with the host's gzip.
pub(crate) fn gzip(content: &[u8], options: &[&str]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .args(options)
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let content = content.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&content));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn inflate(input: &[u8]) -> Result<Vec<u8>, GzipError> {
    let mut at = header_size(input)?;
    let mut inflater = Inflater::default();
    let mut output = Vec::new();
    loop {
        let step = inflater.step(&input[at..])?;
        at += step.consumed;
        output.extend_from_slice(inflater.output());
        assert_eq!(inflater.output().len(), step.produced);
        if step.finished {
            break;
        }
    }
    inflater.verify(&input[at..])?;
    assert_eq!(inflater.size(), output.len() as u64);
    Ok(output)
}

/// Text with near and far repetitions.
fn content(length: usize) -> Vec<u8> {
    let word = |at: usize| std::format!("{} {:x};", at % 777, at * 0x9e37);
    (0..)
        .flat_map(|at| word(at).into_bytes())
        .take(length)
        .collect()
}

#[test]
fn what_gzip_packs_is_unpacked() {
    for length in [0, 1, 100, 32_767, 32_768, 32_769, 500_000] {
        for level in ["-1", "-9"] {
            let content = content(length);
            assert_eq!(inflate(&gzip(&content, &[level])), Ok(content));
        }
    }
}

#[test]
fn every_part_of_a_header_is_passed() {
    let plain = gzip(b"hello", &["-n"]);
    for (flags, parts) in [
        (FLAG_EXTRA, &[3, 0, 1, 2, 3][..]),
        (FLAG_NAME, b"name\0"),
        (FLAG_COMMENT, b"\0"),
        (FLAG_HEADER_CRC, &[9, 9]),
        (
            FLAG_EXTRA | FLAG_NAME | FLAG_COMMENT | FLAG_HEADER_CRC,
            b"\x01\0xn\0c\0zz",
        ),
    ] {
        let mut bytes = plain[..10].to_vec();
        bytes[3] = flags;
        bytes.extend_from_slice(parts);
        assert_eq!(header_size(&bytes), Ok(10 + parts.len()));
        if parts.len() > 1 {
            assert_eq!(
                header_size(&bytes[..bytes.len() - 1]),
                Err(GzipError::Truncated)
            );
        }
        bytes.extend_from_slice(&plain[10..]);
        assert_eq!(inflate(&bytes), Ok(b"hello".to_vec()));
    }
}

#[test]
fn broken_data_are_named() {
    let good = gzip(&content(1000), &["-n"]);
    let broken = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        inflate(&bytes).unwrap_err()
    };
    assert_eq!(broken(0, 0), GzipError::BadMagic([0, 0x8b]));
    assert_eq!(broken(2, 7), GzipError::Method(7));
    assert_eq!(broken(3, 0x80), GzipError::Flags(0x80));
    // A block of a kind that does not exist.
    assert_eq!(broken(10, 0xff), GzipError::BadData(0));
    let end = good.len();
    assert!(matches!(
        broken(end - 8, !good[end - 8]),
        GzipError::Crc { .. }
    ));
    assert!(matches!(
        broken(end - 1, 1),
        GzipError::Size { expected, found: 1000 } if expected == 1000 + (1 << 24)
    ));
    for length in [0, 5, 10, 50, end - 8, end - 1] {
        assert_eq!(
            inflate(&good[..length]),
            Err(GzipError::Truncated),
            "{length}"
        );
    }
}

proptest! {
    #[test]
    fn noise_never_panics(mut noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(start) = noise.get_mut(..4) {
            start.copy_from_slice(&[0x1f, 0x8b, 8, 0]);
        }
        let _ = inflate(&noise);
    }
}
