//! The properties of one node that discovery cares about.

/// A property whose value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Reg,
    Compatible,
    Status,
    Ranges,
    AddressCells,
    SizeCells,
    DmaCoherent,
    DeviceType,
    UsableMemory,
    NoMap,
    Model,
    Method,
    CpuOn,
    CpuOff,
    EnableMethod,
    ReleaseAddress,
    ClockFrequency,
    Bootargs,
    StdoutPath,
    LinuxStdoutPath,
    InitrdStart,
    InitrdEnd,
}

const KEYS: usize = 22;

/// The names, told apart by their first byte so that most are refused by one comparison.
fn key(name: &[u8]) -> Option<Key> {
    let (&first, rest) = name.split_first()?;
    Some(match (first, rest) {
        (b'r', b"eg") => Key::Reg,
        (b'r', b"anges") => Key::Ranges,
        (b'c', b"ompatible") => Key::Compatible,
        (b'c', b"lock-frequency") => Key::ClockFrequency,
        (b'c', b"pu_on") => Key::CpuOn,
        (b'c', b"pu_off") => Key::CpuOff,
        (b'c', b"pu-release-addr") => Key::ReleaseAddress,
        (b's', b"tatus") => Key::Status,
        (b's', b"tdout-path") => Key::StdoutPath,
        (b'#', b"address-cells") => Key::AddressCells,
        (b'#', b"size-cells") => Key::SizeCells,
        (b'd', b"ma-coherent") => Key::DmaCoherent,
        (b'd', b"evice_type") => Key::DeviceType,
        (b'l', b"inux,usable-memory") => Key::UsableMemory,
        (b'l', b"inux,stdout-path") => Key::LinuxStdoutPath,
        (b'l', b"inux,initrd-start") => Key::InitrdStart,
        (b'l', b"inux,initrd-end") => Key::InitrdEnd,
        (b'n', b"o-map") => Key::NoMap,
        (b'm', b"odel") => Key::Model,
        (b'm', b"ethod") => Key::Method,
        (b'e', b"nable-method") => Key::EnableMethod,
        (b'b', b"ootargs") => Key::Bootargs,
        _ => return None,
    })
}

/// The values seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    values: [Option<&'a [u8]>; KEYS],
}

impl<'a> Facts<'a> {
    pub(super) fn set(&mut self, name: &[u8], value: &'a [u8]) {
        if let Some(slot) = key(name).and_then(|key| self.values.get_mut(key as usize)) {
            *slot = Some(value);
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&'a [u8]> {
        self.values.get(key as usize).copied().flatten()
    }
}
