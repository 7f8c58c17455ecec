//! What discovery and the early scan find, and that they agree.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: it may panic"
)]

mod common;

use baton_core::devicetree::{
    CpuStart, Device, Discovery, EnableMethod, Psci, PsciConduit, Reservation, TreeError, discover,
    early,
};
use common::{Blob, Field, open, patch, rich};
use platform_api::{Line, PhysAddr, PhysRange, RegisterLayout};

fn range(start: u64, size: u64) -> PhysRange {
    PhysRange::from_size(PhysAddr::new(start), size).unwrap()
}

fn reservation(start: u64, size: u64, name: &str, no_map: bool) -> Reservation {
    Reservation {
        range: range(start, size),
        name: name.into(),
        no_map,
        log: false,
    }
}

fn device(path: &str, compatible: &[&str], reg: &[PhysRange]) -> Device {
    Device {
        path: path.into(),
        compatible: compatible.iter().map(|&name| name.into()).collect(),
        reg: reg.into(),
        dma_coherent: true,
        layout: RegisterLayout::default(),
        bus_width: None,
        clock: None,
        current_speed: None,
    }
}

fn expected() -> Discovery {
    Discovery {
        model: "A Board".into(),
        compatible: vec!["vendor,board".into(), "vendor,soc".into()],
        memory: vec![range(0x4000_0000, 0x2000_0000)],
        reservations: vec![
            reservation(0x4700_0000, 0x1000, "memreserve", false),
            reservation(0x4f00_0000, 0x10_0000, "firmware@4f000000", true),
            reservation(0x4e00_0ff8, 8, "cpu-release-addr", false),
        ],
        stdout_path: Some("/soc/uart@1000".into()),
        stdout_line: Line::parse("115200n8"),
        bootargs: Some("quiet".into()),
        initrd: Some(range(0x4800_0000, 0x10_0000)),
        cpus: vec![0, 0x101],
        cpu_starts: vec![
            CpuStart {
                affinity: 0,
                method: Some(EnableMethod::Psci),
                release: None,
            },
            CpuStart {
                affinity: 0x101,
                method: Some(EnableMethod::SpinTable),
                release: Some(PhysAddr::new(0x4e00_0ff8)),
            },
        ],
        boot_cpu: 0,
        psci: Some(Psci {
            conduit: PsciConduit::Smc,
            legacy: false,
            cpu_on: None,
            cpu_off: None,
        }),
        arch_timer: true,
        timer_frequency: Some(24_000_000),
        hypervisor: None,
        devices: vec![
            device(
                "/soc/uart@1000",
                &["arm,pl011", "arm,primecell"],
                &[range(0x0100_1000, 0x100), range(0x0900_0000, 0x10)],
            ),
            device(
                "/soc/a-device-with-a-name-that-fdt-rs-does-not-read@2000",
                &["vendor,long"],
                &[range(0x0100_2000, 0x100)],
            ),
        ],
    }
}

#[test]
fn everything_is_found() {
    assert_eq!(discover(&rich().build(), open).unwrap(), expected());
}

#[test]
fn layout_and_alignment_of_the_blob_do_not_matter() {
    let mut blob = rich();
    blob.strings_first = true;
    let blob = blob.build();
    for shift in 0..8 {
        let mut moved = vec![0xff; shift];
        moved.extend_from_slice(&blob);
        assert_eq!(discover(&moved[shift..], open).unwrap(), expected());
    }
    let mut padded = rich().build();
    padded.resize(padded.len() + 4096, 0xff);
    let total = u32::try_from(padded.len()).unwrap();
    patch(&mut padded, Field::TotalSize, total);
    assert_eq!(discover(&padded, open).unwrap(), expected());
}

#[test]
fn the_early_scan_finds_the_same_memory() {
    let blob = rich().build();
    let found = early::memory(&blob).unwrap();
    assert_eq!(
        found.banks.as_slice(),
        [
            range(0x5000_0000, 0x1000_0000),
            range(0x4000_0000, 0x1000_0000)
        ]
    );
    assert_eq!(
        found.reserved.as_slice(),
        [
            range(0x4f00_0000, 0x10_0000),
            range(0x4e00_0ff8, 8),
            range(0x4700_0000, 0x1000),
        ]
    );
    assert_eq!(found.no_map.as_slice(), [range(0x4f00_0000, 0x10_0000)]);
    assert_eq!(found.initrd, Some(range(0x4800_0000, 0x10_0000)));
    assert_eq!(found.used_size, blob.len());
}

fn root(blob: Blob) -> Blob {
    blob.begin("")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
}

#[test]
fn memory_by_type_by_name_and_as_a_crash_kernel_sees_it() {
    let blob = root(Blob::default())
        .begin("dram")
        .cells("reg", &[1, 0, 0, 0x1000])
        .text("device_type", "memory")
        .end()
        .begin("memory")
        .cells("reg", &[0, 0x8000_0000, 0, 0x1000_0000])
        .cells("linux,usable-memory", &[0, 0x8800_0000, 0, 0x10_0000])
        .end()
        .begin("memory@90000000")
        .text("device_type", "nvram")
        .cells("reg", &[0, 0x9000_0000, 0, 0x1000])
        .end()
        .begin("memory@a0000000")
        .text("status", "reserved")
        .cells("reg", &[0, 0xa000_0000, 0, 0x1000])
        .end()
        .begin("memory-controller@b0000000")
        .cells("reg", &[0, 0xb000_0000, 0, 0x1000])
        .end()
        .end()
        .build();
    let banks = [range(0x8800_0000, 0x10_0000), range(0x1_0000_0000, 0x1000)];
    assert_eq!(discover(&blob, open).unwrap().memory, banks);
    let mut early = early::memory(&blob).unwrap().banks;
    early.sort();
    assert_eq!(early.as_slice(), banks);
}

#[test]
fn legacy_psci_names_its_functions() {
    let blob = root(Blob::default())
        .begin("psci")
        .text("compatible", "arm,psci")
        .text("method", "hvc")
        .cells("cpu_off", &[0x95c1_ba60])
        .cells("cpu_on", &[0x95c1_ba61])
        .end()
        .begin("hypervisor")
        .text("compatible", "xen,xen")
        .end()
        .end()
        .build();
    let found = discover(&blob, open).unwrap();
    assert_eq!(
        found.psci,
        Some(Psci {
            conduit: PsciConduit::Hvc,
            legacy: true,
            cpu_on: Some(0x95c1_ba61),
            cpu_off: Some(0x95c1_ba60),
        })
    );
    assert_eq!(found.hypervisor.as_deref(), Some("xen,xen"));
    assert_eq!(found.stdout_path, None);
}

#[test]
fn too_many_banks_are_an_error_and_too_many_reservations_are_joined() {
    let mut blob = root(Blob::default());
    for bank in 0..17 {
        blob = blob
            .begin(&format!("memory@{bank:x}"))
            .cells("reg", &[0, bank << 24, 0, 0x1000])
            .end();
    }
    let refused = early::memory(&blob.end().build());
    assert_eq!(refused, Err(TreeError::TooManyBanks(16)));

    let mut blob = root(Blob::default()).end();
    let wanted: Vec<PhysRange> = (0..40u64).map(|index| range(index << 20, 0x1000)).collect();
    for range in &wanted {
        blob = blob.reserve(range.start().as_u64() + 1, range.size() - 1);
    }
    let found = early::memory(&blob.build()).unwrap();
    assert_eq!(found.reserved.len(), 32);
    for wanted in wanted {
        let wanted = range(wanted.start().as_u64() + 1, wanted.size() - 1);
        assert!(
            found
                .reserved
                .iter()
                .any(|known| known.contains_range(wanted)),
            "{wanted}"
        );
    }
}

/// Before there are tables it is known what must not be in them: never less than the tree says.
#[test]
fn the_early_scan_finds_every_no_map_range() {
    let mut blob = root(Blob::default())
        .begin("reserved-memory")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1]);
    for index in 0..24 {
        blob = blob.begin(&format!("node@{index:x}")).cells(
            "reg",
            &[index << 20, 0x1000, (index << 20) + 0x8000, 0x1000],
        );
        if index % 2 == 1 {
            blob = blob.property("no-map", &[]);
        }
        if index == 23 {
            blob = blob.text("status", "disabled");
        }
        blob = blob.end();
    }
    let blob = blob.end().end().build();
    let early = early::memory(&blob).unwrap();
    assert_eq!(early.no_map.len(), 16);
    let found = discover(&blob, open).unwrap();
    let wanted = found.reservations.iter().filter(|one| one.no_map);
    assert_eq!(wanted.clone().count(), 22);
    for wanted in wanted {
        let within = |known: &PhysRange| known.contains_range(wanted.range);
        assert!(early.no_map.iter().any(within), "{}", wanted.range);
        assert!(early.reserved.iter().any(within), "{}", wanted.range);
    }
}

#[test]
fn a_reservation_that_overflows_reserves_the_rest() {
    let blob = root(Blob::default())
        .end()
        .reserve(u64::MAX - 1, 16)
        .build();
    let rest = range(u64::MAX - 1, 1);
    assert_eq!(early::memory(&blob).unwrap().reserved.as_slice(), [rest]);
    assert_eq!(discover(&blob, open).unwrap().reservations[0].range, rest);
}

#[test]
fn broken_values_that_matter_are_named() {
    let bad_memory = root(Blob::default())
        .begin("memory@0")
        .cells("reg", &[0, 0, 0x1000])
        .end()
        .end()
        .build();
    let bad_reserved = root(Blob::default())
        .begin("reserved-memory")
        .begin("x")
        .cells("reg", &[0])
        .end()
        .end()
        .end()
        .build();
    let overflow = root(Blob::default())
        .begin("memory@0")
        .cells("reg", &[u32::MAX; 4])
        .end()
        .end()
        .build();
    for (blob, message) in [
        (bad_memory, "/memory: reg of 12 bytes makes no sense"),
        (
            bad_reserved,
            "/reserved-memory: reg of 4 bytes makes no sense",
        ),
        (overflow, "/memory: reg of 16 bytes makes no sense"),
    ] {
        assert_eq!(discover(&blob, open).unwrap_err().to_string(), message);
        assert_eq!(early::memory(&blob).unwrap_err().to_string(), message);
    }
    let bad_text = root(Blob::default())
        .begin("chosen")
        .property("bootargs", &[0xff, 0])
        .end()
        .end()
        .build();
    assert_eq!(
        discover(&bad_text, open).unwrap_err().to_string(),
        "/chosen: bootargs of 2 bytes makes no sense"
    );
}

#[test]
fn clocks_lead_to_their_rates() {
    let device = |blob: Blob, name: &str| {
        blob.begin(name)
            .text("compatible", "vendor,device")
            .cells("reg", &[0x1000, 0x10])
    };
    let mut blob = Blob::default()
        .begin("")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1]);
    // Each before the clock it has.
    blob = device(blob, "fixed@1000").cells("clocks", &[1, 9]).end();
    blob = device(blob, "own@1000")
        .cells("clock-frequency", &[24_000_000])
        .cells("clocks", &[1])
        .end();
    blob = device(blob, "switched@1000").cells("clocks", &[3, 1]).end();
    blob = device(blob, "circle@1000").cells("clocks", &[4]).end();
    blob = device(blob, "unknown@1000").cells("clocks", &[9]).end();
    blob = device(blob, "stopped@1000").cells("clocks", &[2]).end();
    blob = device(blob, "empty@1000").cells("clocks", &[]).end();
    blob = device(blob, "line@1000")
        .cells("current-speed", &[57_600])
        .end();
    for (name, handle, rate) in [("clock-a", 1, 32_768), ("clock-b", 2, 0)] {
        blob = blob
            .begin(name)
            .text("compatible", "fixed-clock")
            .cells("clock-frequency", &[rate])
            .cells("phandle", &[handle])
            .end();
    }
    for (name, handle, parent) in [("sysctl@3", 3, 1), ("sysctl@4", 4, 4)] {
        blob = blob
            .begin(name)
            .text("compatible", "arm,sp810")
            .cells("assigned-clock-parents", &[parent, parent])
            .cells("phandle", &[handle])
            .end();
    }
    let found = discover(&blob.end().build(), open).unwrap();
    let seen = |path: &str| {
        let device = found.devices.iter().find(|device| device.path == path);
        let device = device.unwrap();
        (device.clock, device.current_speed)
    };
    assert_eq!(seen("/fixed@1000"), (Some(32_768), None));
    assert_eq!(seen("/own@1000"), (Some(24_000_000), None));
    assert_eq!(seen("/switched@1000"), (Some(32_768), None));
    assert_eq!(seen("/circle@1000"), (None, None));
    assert_eq!(seen("/unknown@1000"), (None, None));
    assert_eq!(seen("/stopped@1000"), (None, None));
    assert_eq!(seen("/empty@1000"), (None, None));
    assert_eq!(seen("/line@1000"), (None, Some(57_600)));
}
