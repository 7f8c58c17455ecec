//! The UART for last words, found without heap in trees whole and broken.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: it may panic"
)]

mod common;

use baton_core::devicetree::early_console::find;
use common::{Blob, rich};
use platform_api::{DeviceNode, RawUart};

/// Knows `a,uart` alone, and describes one by its address and `reg-shift`.
fn describe(node: &DeviceNode<'_>) -> Option<RawUart> {
    let known = node.matches(&["a,uart", "arm,pl011"]);
    let data = node.reg.first()?.start().as_u32()?;
    known.then(|| RawUart::new(data, node.layout.shift.unwrap_or(0), 1, 0, false))
}

fn address(blob: &[u8]) -> Option<u32> {
    find(blob, &mut describe).map(|port| port.data)
}

/// Two UARTs below two buses that translate, one of them disabled, one unreachable.
fn board(stdout: Option<&str>, aliases: bool) -> Vec<u8> {
    let uart = |blob: Blob, name: &str, reg: u32, status: &str| {
        blob.begin(name)
            .cells("reg", &[reg, 0x1000])
            .text("compatible", "a,uart")
            .text("status", status)
            .cells("reg-shift", &[2])
            // A node in it, as for what hangs on the line.
            .begin("bluetooth")
            .text("compatible", "a,radio")
            .end()
            .end()
    };
    let mut blob = Blob::default()
        .begin("")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[1])
        .begin("bus@0")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1])
        .cells("ranges", &[0, 0, 0x1000_0000, 0x10_0000])
        .begin("inner@8000")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1])
        .cells("ranges", &[0, 0x8000, 0x8000]);
    blob = uart(blob, "serial@0", 0, "disabled");
    blob = uart(blob, "serial@1000", 0x1000, "okay");
    blob = uart(blob, "serial@2000", 0x2000, "okay");
    blob = uart(blob, "serial@f0000", 0xf_0000, "okay").end().end();
    if aliases {
        blob = blob
            .begin("aliases")
            .text("serial0", "/bus@0/inner@8000/serial@2000")
            .end();
    }
    blob = blob.begin("chosen");
    if let Some(stdout) = stdout {
        blob = blob.text("stdout-path", stdout);
    }
    blob.end().end().build()
}

#[test]
fn the_named_one_goes_before_the_first() {
    let path = "/bus@0/inner@8000/serial@2000";
    for (stdout, aliases, expected) in [
        (Some("serial0:115200n8"), true, 0x1000_a000),
        (Some("serial0"), true, 0x1000_a000),
        (Some(path), false, 0x1000_a000),
        (
            Some("/bus@0/inner@8000/serial@2000:9600"),
            false,
            0x1000_a000,
        ),
        // Disabled, unknown, nowhere: the first that can be used.
        (Some("/bus@0/inner@8000/serial@0"), false, 0x1000_9000),
        (Some("serial0"), false, 0x1000_9000),
        (Some(""), false, 0x1000_9000),
        (None, true, 0x1000_9000),
    ] {
        assert_eq!(
            address(&board(stdout, aliases)),
            Some(expected),
            "{stdout:?}"
        );
    }
    let shift = find(&board(None, false), &mut describe).unwrap().status;
    assert_eq!(shift, 2);
}

#[test]
fn it_is_where_discovery_finds_it() {
    assert_eq!(address(&rich().build()), Some(0x0100_1000));
}

#[test]
fn a_tree_that_breaks_off_is_used_up_to_there() {
    let mut blob = board(Some("serial0"), true);
    let whole = blob.clone();
    let structure = u32::from_be_bytes(blob[8..12].try_into().unwrap()) as usize;
    let size = u32::from_be_bytes(blob[36..40].try_into().unwrap()) as usize;
    // The last token: everything was there before it.
    blob[structure + size - 4..structure + size].fill(0x77);
    assert_eq!(address(&blob), Some(0x1000_a000));
    // Any byte of it: an answer or none, and no panic.
    for place in 0..whole.len() {
        let mut blob = whole.clone();
        blob[place] ^= 0xff;
        if let Some(found) = address(&blob) {
            assert!(find(&blob, &mut describe).is_some(), "{place}: {found:#x}");
        }
        address(&whole[..place]);
    }
}

#[test]
fn depth_and_length_have_bounds() {
    let mut blob = Blob::default()
        .begin("")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1]);
    let name = "n".repeat(31);
    for _ in 0..20 {
        blob = blob
            .begin(&name)
            .cells("#address-cells", &[1])
            .cells("#size-cells", &[1])
            .property("ranges", &[]);
    }
    blob = blob
        .begin("serial@1000")
        .cells("reg", &[0x1000, 0x1000])
        .text("compatible", "a,uart")
        .end();
    for _ in 0..20 {
        blob = blob.end();
    }
    blob = blob
        .begin("serial@2000")
        .cells("reg", &[0x2000, 0x1000])
        .text("compatible", "a,uart")
        .end();
    assert_eq!(address(&blob.end().build()), Some(0x2000));
}
