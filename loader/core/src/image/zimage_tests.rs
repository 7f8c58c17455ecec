//! Headers as Linux, Xen and Baton write them, and broken ones.

use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::storage::StorageProblem;

/// A zImage of `length` bytes with this tag table at 0x5a0, a size word of 0x1234567 at its
/// unaligned end.
fn image(length: usize, tags: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0xa5; length];
    let mut put = |offset: usize, value: u32| {
        bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    };
    put(MAGIC_OFFSET, MAGIC);
    put(START_OFFSET, 0);
    put(END_OFFSET, u32::try_from(length).unwrap());
    put(ENDIAN_OFFSET, ENDIAN_LITTLE);
    put(TABLE_MAGIC_OFFSET, TABLE_MAGIC);
    put(TABLE_OFFSET, 0x5a0);
    for (index, &tag) in tags.iter().enumerate() {
        put(0x5a0 + 4 * index, tag);
    }
    put(length - 5, 0x0123_4567);
    bytes
}

/// Parses with a head of `HEAD_SIZE` bytes; fails the test if a byte outside is asked for.
fn parse_bytes(bytes: &[u8]) -> Result<ZImage, ZImageError> {
    let head = &bytes[..bytes.len().min(HEAD_SIZE)];
    let mut fetch = |offset: u64, dest: &mut [u8]| {
        let offset = usize::try_from(offset).unwrap();
        assert!(offset % 512 == 0 && dest.len() <= 512);
        dest.copy_from_slice(&bytes[offset..offset + dest.len()]);
        Ok(())
    };
    parse(head, bytes.len() as u64, &mut fetch)
}

#[test]
fn reads_a_new_linux_image() {
    let bytes = image(0x1001, &[6, TAG_KLSZ, 0xffc, 0x888, 0x8000, 0x10000, 0]);
    let image = parse_bytes(&bytes).unwrap();
    assert_eq!(image.length, 0x1001);
    assert_eq!(image.inflated, Some(0x0123_4567));
    assert_eq!(image.bss, 0x888);
    assert_eq!(image.text_offset, Some(0x8000));
    assert_eq!(image.malloc, Some(0x10000));
    assert!(!image.big_endian);
}

#[test]
fn reads_an_older_table_after_other_tags() {
    let bytes = image(0x1000, &[3, 77, 1, 4, TAG_KLSZ, 0xffb, 0x10, 2, 5, 0]);
    let image = parse_bytes(&bytes).unwrap();
    assert_eq!(image.inflated, Some(0x0123_4567));
    assert_eq!(
        (image.bss, image.text_offset, image.malloc),
        (0x10, None, None)
    );
}

/// As the first kernels with the table wrote it: the size counts the body alone.
#[test]
fn reads_the_first_kernels_table() {
    let bytes = image(0x1000, &[2, TAG_KLSZ, 0xffb, 0x10, 0]);
    let image = parse_bytes(&bytes).unwrap();
    assert_eq!((image.inflated, image.bss), (Some(0x0123_4567), 0x10));
}

#[test]
fn takes_images_without_a_table() {
    let mut bytes = image(0x1000, &[]);
    bytes[TABLE_MAGIC_OFFSET] = 0;
    let mut expected = ZImage {
        length: 0x1000,
        start: 0,
        beyond: 0,
        inflated: None,
        bss: 0,
        text_offset: None,
        malloc: None,
        big_endian: false,
    };
    assert_eq!(parse_bytes(&bytes), Ok(expected));
    // Xen counts its BSS.
    bytes[END_OFFSET..END_OFFSET + 4].copy_from_slice(&0x1800_u32.to_le_bytes());
    expected.beyond = 0x800;
    assert_eq!(parse_bytes(&bytes), Ok(expected));
}

#[test]
fn reads_the_table_with_a_minimal_head() {
    let mut bytes = image(0x1202, &[4, TAG_KLSZ, 0x11fe, 0x10, 0]);
    bytes[0x11fe..0x1202].copy_from_slice(&0x0123_4567_u32.to_le_bytes());
    let mut fetched = Vec::new();
    let mut fetch = |offset: u64, dest: &mut [u8]| {
        let offset = usize::try_from(offset).unwrap();
        dest.copy_from_slice(&bytes[offset..offset + dest.len()]);
        fetched.push(offset);
        Ok(())
    };
    let image = parse(&bytes[..HEADER_SIZE], 0x1202, &mut fetch).unwrap();
    assert_eq!(image.inflated, Some(0x0123_4567));
    // The rest of the header, the table, and the size word across two pieces.
    assert_eq!(fetched, [0, 0x400, 0x1000, 0x1200]);
}

#[test]
fn names_what_is_broken() {
    let good = image(0x1000, &[4, TAG_KLSZ, 0xffb, 0x10, 0]);
    let changed = |offset: usize, value: u32| {
        let mut bytes = good.clone();
        bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        parse_bytes(&bytes).unwrap_err()
    };
    assert_eq!(parse_bytes(&good[..0x2f]), Err(ZImageError::TooShort(0x2f)));
    assert_eq!(parse_bytes(&[]), Err(ZImageError::TooShort(0)));
    assert_eq!(changed(MAGIC_OFFSET, 1), ZImageError::BadMagic(1));
    let bad_length = |start, end| ZImageError::BadLength { start, end };
    assert_eq!(changed(END_OFFSET, 0x2f), bad_length(0, 0x2f));
    assert_eq!(changed(START_OFFSET, 0x1001), bad_length(0x1001, 0x1000));
    let truncated = ZImageError::Truncated {
        length: 0x1000,
        file: 0xfff,
    };
    assert_eq!(parse_bytes(&good[..0xfff]), Err(truncated));
    assert_eq!(changed(ENDIAN_OFFSET, 7), ZImageError::BadEndianness(7));
    assert_eq!(
        changed(TABLE_OFFSET, 0xffd),
        ZImageError::TableOutside(0xffd)
    );
    assert_eq!(
        changed(TABLE_OFFSET, u32::MAX),
        ZImageError::TableOutside(u32::MAX)
    );
    let bad_tag = |words| ZImageError::BadTag {
        offset: 0x5a0,
        words,
    };
    assert_eq!(changed(0x5a0, 1), bad_tag(1));
    assert_eq!(changed(0x5a0, 3), bad_tag(3));
    assert_eq!(changed(0x5a0, 0x4000_0001), bad_tag(0x4000_0001));
    assert_eq!(changed(0x5a8, 0xffd), ZImageError::SizeWordOutside(0xffd));
    let too_large = ZImageError::TooLarge {
        inflated: 0x0123_4567,
        bss: u32::MAX,
    };
    assert_eq!(changed(0x5ac, u32::MAX), too_large);
    let endless = [2, 9].repeat(MAX_TAGS);
    assert_eq!(
        parse_bytes(&image(0x1000, &endless)),
        Err(ZImageError::EndlessTable)
    );
}

#[test]
fn tells_the_byte_order() {
    let mut bytes = image(0x1000, &[0]);
    bytes[ENDIAN_OFFSET..ENDIAN_OFFSET + 4].copy_from_slice(&ENDIAN_BIG.to_le_bytes());
    assert!(parse_bytes(&bytes).unwrap().big_endian);
}

#[test]
fn passes_on_why_a_read_failed() {
    let bytes = image(0x1000, &[4, TAG_KLSZ, 0xffb, 0x10, 0]);
    let error = StorageError::from(StorageProblem::Missing("gone".into()));
    let mut fetch = |_, _: &mut [u8]| Err(error.clone());
    assert_eq!(
        parse(&bytes[..HEAD_SIZE], 0x1000, &mut fetch),
        Err(ZImageError::Read(error.clone()))
    );
}

proptest! {
    #[test]
    fn never_panics_nor_reads_outside(
        edits in prop::collection::vec((0usize..0x600, any::<u32>()), 0..6),
        near in prop::collection::vec((0usize..16, 0u32..0x1100), 0..4),
        length in 0usize..0x1000,
    ) {
        let mut bytes = image(0x1000, &[6, TAG_KLSZ, 0xffb, 0x10, 0x8000, 0x10000, 0]);
        for (offset, value) in edits {
            bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        }
        for (index, value) in near {
            let offset = if index < 8 { 0x24 + 4 * index } else { 0x580 + 4 * index };
            bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        }
        for bytes in [&bytes[..], &bytes[..length]] {
            if let Ok(image) = parse_bytes(bytes) {
                prop_assert!(image.length as usize <= bytes.len());
                prop_assert!(image.inflated.unwrap_or(0).checked_add(image.bss).is_some());
            }
        }
    }
}
