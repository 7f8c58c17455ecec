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
    RegShift,
    RegIoWidth,
    RegOffset,
    BusWidth,
    Clocks,
    Phandle,
    ClockParents,
    CurrentSpeed,
}

const KEYS: usize = 30;

/// Finds a name's key. `name` may go on behind its NUL: most names are told apart by their first
/// byte, before anybody looks for the end.
fn key(name: &[u8]) -> Option<Key> {
    let (first, rest) = name.split_first()?;
    let candidates: &[(&[u8], Key)] = match first {
        b'r' => &[
            (b"eg\0", Key::Reg),
            (b"anges\0", Key::Ranges),
            (b"eg-shift\0", Key::RegShift),
            (b"eg-io-width\0", Key::RegIoWidth),
            (b"eg-offset\0", Key::RegOffset),
        ],
        b'c' => &[
            (b"ompatible\0", Key::Compatible),
            (b"locks\0", Key::Clocks),
            (b"lock-frequency\0", Key::ClockFrequency),
            (b"urrent-speed\0", Key::CurrentSpeed),
            (b"pu_on\0", Key::CpuOn),
            (b"pu_off\0", Key::CpuOff),
            (b"pu-release-addr\0", Key::ReleaseAddress),
        ],
        b's' => &[
            (b"tatus\0", Key::Status),
            (b"tdout-path\0", Key::StdoutPath),
        ],
        b'#' => &[
            (b"address-cells\0", Key::AddressCells),
            (b"size-cells\0", Key::SizeCells),
        ],
        b'd' => &[
            (b"ma-coherent\0", Key::DmaCoherent),
            (b"evice_type\0", Key::DeviceType),
        ],
        b'l' => &[
            (b"inux,usable-memory\0", Key::UsableMemory),
            (b"inux,stdout-path\0", Key::LinuxStdoutPath),
            (b"inux,initrd-start\0", Key::InitrdStart),
            (b"inux,initrd-end\0", Key::InitrdEnd),
        ],
        b'p' => &[(b"handle\0", Key::Phandle)],
        b'a' => &[(b"ssigned-clock-parents\0", Key::ClockParents)],
        b'n' => &[(b"o-map\0", Key::NoMap)],
        b'm' => &[(b"odel\0", Key::Model), (b"ethod\0", Key::Method)],
        b'e' => &[(b"nable-method\0", Key::EnableMethod)],
        b'b' => &[
            (b"ootargs\0", Key::Bootargs),
            (b"us-width\0", Key::BusWidth),
        ],
        _ => return None,
    };
    candidates
        .iter()
        .find(|(candidate, _)| rest.starts_with(candidate))
        .map(|&(_, key)| key)
}

/// The values seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    values: [Option<&'a [u8]>; KEYS],
}

impl<'a> Facts<'a> {
    /// Keeps a value; `name` ends in NUL and may go on behind it.
    pub(super) fn set(&mut self, name: &[u8], value: &'a [u8]) {
        if let Some(slot) = key(name).and_then(|key| self.values.get_mut(key as usize)) {
            *slot = Some(value);
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&'a [u8]> {
        self.values.get(key as usize).copied().flatten()
    }
}
