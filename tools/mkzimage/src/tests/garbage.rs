//! Bytes that nobody meant: an error, never a panic.

use proptest::{collection::vec, prelude::*};

use super::builder::Builder;
use crate::{bytes::word, make, relocate};

proptest! {
    #[test]
    fn noise(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(make(&bytes).is_err());
    }

    #[test]
    fn noise_after_a_right_start(bytes in vec(any::<u8>(), 0..600)) {
        let mut elf = Builder::new().build();
        elf.truncate(52);
        elf.extend(bytes);
        prop_assert!(make(&elf).is_err());
    }

    #[test]
    fn flipped_words(flips in vec((any::<prop::sample::Index>(), any::<u32>()), 1..6)) {
        let mut elf = Builder::new().build();
        for (place, value) in flips {
            let start = place.index(elf.len() - 3);
            elf[start..start + 4].copy_from_slice(&value.to_le_bytes());
        }
        // It may still be an ELF; what it then becomes has a table that can be applied.
        if let Ok(image) = make(&elf) {
            let start = word(&image.bytes, 0x64).unwrap() as usize;
            let table = image.bytes[start..].to_vec();
            let mut moved = image.bytes.clone();
            prop_assert_eq!(relocate(&mut moved, &table, 0, 0x4020_0000), Ok(()));
        }
    }

    #[test]
    fn any_table(mut image in vec(any::<u8>(), 0..64), table in vec(any::<u8>(), 0..20), new: u32) {
        let length = image.len();
        let _ = relocate(&mut image, &table, 0, new);
        prop_assert_eq!(image.len(), length);
    }
}
