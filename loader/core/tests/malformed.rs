//! Broken blobs are named errors, never a panic.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: it may panic"
)]

mod common;

use baton_core::devicetree::{
    Structure, TreeError, WorkingTree, blob_size, check, discover, early,
};
use common::{Blob, Field, open, patch, rich};
use proptest::prelude::*;

/// Everyone who reads blobs must say the same.
fn refusal(blob: &[u8]) -> TreeError {
    let error = check(blob).unwrap_err();
    assert_eq!(early::memory(blob).unwrap_err(), error);
    assert_eq!(WorkingTree::load(blob).unwrap_err(), error);
    assert_eq!(discover(blob, open).unwrap_err(), error);
    error
}

#[test]
fn headers() {
    let blob = rich().build();
    let length = u32::try_from(blob.len()).unwrap();
    for (name, field, value, message) in [
        (
            "no magic",
            Field::Magic,
            0xedfe_0dd0,
            "no device tree: magic is 0xedfe0dd0, not 0xd00dfeed",
        ),
        (
            "too old",
            Field::Version,
            16,
            "device tree version 16 (compatible with 16), not 17",
        ),
        (
            "too new",
            Field::LastCompatible,
            18,
            "device tree version 17 (compatible with 18), not 17",
        ),
        (
            "total below the header",
            Field::TotalSize,
            39,
            "bad device tree header: totalsize is 0x27",
        ),
        (
            "total of nothing",
            Field::TotalSize,
            0,
            "bad device tree header: totalsize is 0x0",
        ),
        (
            "structure in the header",
            Field::OffStruct,
            36,
            "bad device tree header: off_dt_struct is 0x24",
        ),
        (
            "structure odd",
            Field::OffStruct,
            57,
            "bad device tree header: off_dt_struct is 0x39",
        ),
        (
            "structure outside",
            Field::OffStruct,
            0x1000_0000,
            "bad device tree header: off_dt_struct is 0x10000000",
        ),
        (
            "structure wraps",
            Field::OffStruct,
            0xffff_fffc,
            "bad device tree header: off_dt_struct is 0xfffffffc",
        ),
        (
            "structure too long",
            Field::SizeStruct,
            u32::MAX,
            "bad device tree header: size_dt_struct is 0xffffffff",
        ),
        (
            "strings in the header",
            Field::OffStrings,
            0,
            "bad device tree header: off_dt_strings is 0x0",
        ),
        (
            "strings wrap",
            Field::OffStrings,
            u32::MAX,
            "bad device tree header: off_dt_strings is 0xffffffff",
        ),
        (
            "strings too long",
            Field::SizeStrings,
            0x8000_0000,
            "bad device tree header: size_dt_strings is 0x80000000",
        ),
        (
            "reservations in the header",
            Field::OffReserve,
            0,
            "bad device tree header: off_mem_rsvmap is 0x0",
        ),
        (
            "reservations odd",
            Field::OffReserve,
            42,
            "bad device tree header: off_mem_rsvmap is 0x2a",
        ),
        (
            "reservations outside",
            Field::OffReserve,
            0xffff_fff8,
            "bad device tree header: off_mem_rsvmap is 0xfffffff8",
        ),
        (
            "reservations at the end",
            Field::OffReserve,
            length / 4 * 4,
            "the memory reservation block at",
        ),
    ] {
        let mut broken = blob.clone();
        patch(&mut broken, field, value);
        let found = refusal(&broken).to_string();
        assert!(found.starts_with(message), "{name}: {found}");
    }
    assert_eq!(
        refusal(&blob[..39]),
        TreeError::TooShort {
            length: 39,
            needed: 40
        }
    );
    assert_eq!(
        refusal(&blob[..blob.len() - 1]),
        TreeError::TooShort {
            length: blob.len() - 1,
            needed: blob.len()
        }
    );
    assert_eq!(blob_size(&blob[..40]), Ok(blob.len()));
    assert!(blob_size(&blob[..39]).is_err());
}

#[test]
fn reservations_without_an_end() {
    let blob = Blob::default().begin("").end().reserve(1, 1).build();
    let mut broken = blob.clone();
    // The terminator becomes an entry, and no other pair of zeroes is aligned to it.
    broken[56] = 1;
    for byte in &mut broken[57..72] {
        *byte = 1;
    }
    assert_eq!(refusal(&broken), TreeError::ReserveMap { offset: 40 });
}

#[test]
fn strings_that_are_none() {
    let mut blob = Blob::default().begin("").text("model", "x").end().build();
    let last = blob.len() - 1;
    blob[last - 1] = 0xe4;
    assert_eq!(refusal(&blob), TreeError::Strings);
    // A name without a terminator does not count.
    blob[last - 1] = b'l';
    blob[last] = b'l';
    assert!(matches!(
        refusal(&blob),
        TreeError::Structure {
            what: Structure::PropertyName(0),
            ..
        }
    ));
}

#[test]
fn structures() {
    let new = Blob::default;
    let deep = |levels: usize| {
        let open = (0..levels).fold(new(), |blob, level| {
            blob.begin(if level == 0 { "" } else { "n" })
        });
        (0..levels).fold(open, |blob, _| blob.end())
    };
    check(&deep(64).build()).unwrap();
    let long = "x".repeat(300);
    check(&new().begin("").begin(&long).end().end().build()).unwrap();
    let cases: &[(&str, Vec<u8>, Structure)] = &[
        ("empty", new().raw(), Structure::Truncated),
        ("END alone", new().build(), Structure::Root),
        ("no END", new().begin("").end().raw(), Structure::Truncated),
        ("END inside", new().begin("").build(), Structure::Root),
        (
            "two roots",
            new().begin("").end().begin("").end().build(),
            Structure::Root,
        ),
        (
            "a named root",
            new().begin("x").end().build(),
            Structure::NodeName,
        ),
        (
            "a nameless child",
            new().begin("").begin("").end().end().build(),
            Structure::NodeName,
        ),
        (
            "a slash",
            new().begin("").begin("a/b").end().end().build(),
            Structure::NodeName,
        ),
        (
            "a space",
            new().begin("").begin("a b").end().end().build(),
            Structure::NodeName,
        ),
        (
            "not ASCII",
            new().begin("").begin("\u{e4}").end().end().build(),
            Structure::NodeName,
        ),
        (
            "a name without end",
            new().begin("").word(1).word(0x6161_6161).raw(),
            Structure::NodeName,
        ),
        (
            "end before begin",
            new().end().build(),
            Structure::Unbalanced,
        ),
        (
            "one end too many",
            new().begin("").end().end().build(),
            Structure::Unbalanced,
        ),
        ("too deep", deep(65).build(), Structure::Depth),
        (
            "no such token",
            new().begin("").word(5).end().build(),
            Structure::Token(5),
        ),
        (
            "a property outside",
            new().text("a", "b").begin("").end().build(),
            Structure::MisplacedProperty,
        ),
        (
            "a property behind a node",
            new()
                .begin("")
                .begin("n")
                .end()
                .text("a", "b")
                .end()
                .build(),
            Structure::MisplacedProperty,
        ),
        (
            "a value too long",
            new()
                .begin("")
                .text("a", "b")
                .word(3)
                .word(u32::MAX)
                .word(0)
                .end()
                .build(),
            Structure::PropertyLength(u32::MAX),
        ),
        (
            "a name outside",
            new().begin("").word(3).word(0).word(0).end().build(),
            Structure::PropertyName(0),
        ),
        (
            "a name that wraps",
            new()
                .begin("")
                .text("a", "b")
                .word(3)
                .word(0)
                .word(u32::MAX)
                .end()
                .build(),
            Structure::PropertyName(u32::MAX),
        ),
        (
            "an empty name",
            new()
                .begin("")
                .text("a", "b")
                .word(3)
                .word(0)
                .word(1)
                .end()
                .build(),
            Structure::PropertyName(1),
        ),
    ];
    for (name, blob, expected) in cases {
        match refusal(blob) {
            TreeError::Structure { what, offset } => {
                assert_eq!(what, *expected, "{name}");
                assert!((40..=blob.len()).contains(&offset), "{name}: {offset}");
            }
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn nops_are_skipped() {
    let blob = Blob::default()
        .word(4)
        .begin("")
        .word(4)
        .text("model", "x")
        .word(4)
        .end()
        .word(4)
        .build();
    assert_eq!(discover(&blob, open).unwrap().model, "x");
    let written = WorkingTree::load(&blob).unwrap().to_dtb(0).unwrap();
    assert_eq!(discover(&written, open).unwrap().model, "x");
}

/// Reads a blob in every way. What passes must survive being written.
fn exercise(blob: &[u8]) {
    let checked = check(blob);
    let early = early::memory(blob);
    let found = discover(blob, open);
    let tree = WorkingTree::load(blob);
    match checked {
        Ok(checked) => {
            let tree = tree.unwrap();
            let written = tree.to_dtb(8).unwrap();
            let again = check(&written).unwrap();
            assert_eq!(again.nodes(), checked.nodes());
            assert_eq!(again.properties(), checked.properties());
            assert_eq!(discover(&written, open), found);
        }
        Err(_) => assert!(early.is_err() && found.is_err() && tree.is_err()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutants_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        strings_first: bool,
        cut in any::<prop::sample::Index>(),
        shorten: bool,
    ) {
        let mut source = rich();
        source.strings_first = strings_first;
        let mut blob = source.build();
        for (place, value) in changes {
            let place = place.index(blob.len());
            blob[place] = value;
        }
        if shorten {
            blob.truncate(cut.index(blob.len()));
        }
        exercise(&blob);
    }

    #[test]
    fn mutated_words_never_panic(
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![0u32..16, any::<u32>(), 0u32..4096, Just(u32::MAX)]),
            1..4,
        ),
    ) {
        let mut blob = rich().build();
        for (place, value) in changes {
            let place = place.index(blob.len() / 4) * 4;
            blob[place..place + 4].copy_from_slice(&value.to_be_bytes());
        }
        exercise(&blob);
    }

    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        exercise(&noise);
        let mut blob = rich().build();
        let length = noise.len().min(blob.len() - 72);
        blob[72..72 + length].copy_from_slice(&noise[..length]);
        exercise(&blob);
    }
}
