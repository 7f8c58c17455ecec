//! Disks and volumes by U-Boot's names for them.

use alloc::string::String;

use platform_api::BlockDevice;

use super::{
    PartitionError, StorageError, StorageProblem,
    partition::{self, Region, Wanted},
};
use crate::{
    env::Environment,
    machine::{Disk, Machine},
};

/// Names a volume as U-Boot's commands do: `virtio 0:1`. Partition 0 is the whole disk; no
/// partition means the first bootable one, else the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeName<'a> {
    /// The interface, `virtio`.
    pub interface: &'a str,
    /// `DEV[:PART]`, in hexadecimal.
    pub device: &'a str,
}

/// Returns the volume that `devtype`, `devnum` and `distro_bootpart` name, as interface and
/// `DEV[:PART]`, or `None` if the first two are not both set.
pub fn default_volume(env: &Environment) -> Option<(String, String)> {
    let mut device = String::from(env.get("devnum")?);
    if let Some(part) = env.get("distro_bootpart") {
        device.push(':');
        device.push_str(part);
    }
    Some((env.get("devtype")?.into(), device))
}

/// A volume that is there.
pub(super) struct Opened<'m> {
    /// The disk's place in [`Machine::disks`].
    pub disk: usize,
    /// The disk.
    pub device: &'m mut dyn BlockDevice,
    /// The bytes of it that are the volume.
    pub region: Region,
}

/// Finds a disk by interface and number; returns its place in [`Machine::disks`].
///
/// # Errors
/// [`StorageProblem::NoDisk`].
pub fn disk(machine: &Machine<'_>, interface: &str, index: u32) -> Result<usize, StorageError> {
    find(&machine.disks, interface, index)
}

fn find(disks: &[Disk], interface: &str, index: u32) -> Result<usize, StorageError> {
    disks
        .iter()
        .position(|disk| disk.interface == interface && disk.index == index)
        .ok_or_else(|| {
            StorageProblem::NoDisk {
                interface: interface.into(),
                index,
            }
            .into()
        })
}

/// Finds a volume on one of the machine's disks.
pub(super) fn open<'m>(
    disks: &'m mut [Disk],
    name: VolumeName<'_>,
) -> Result<Opened<'m>, StorageError> {
    let (index, wanted) = parse_device(name.device)?;
    let place = find(disks, name.interface, index)?;
    let Some(disk) = disks.get_mut(place) else {
        return Err(PartitionError::NoTable.into());
    };
    let device: &mut dyn BlockDevice = &mut *disk.device;
    let region = partition::find(device, wanted)?;
    Ok(Opened {
        disk: place,
        device,
        region,
    })
}

/// Parses `DEV[:PART]`: hexadecimal, `auto` or nothing for the bootable partition.
fn parse_device(text: &str) -> Result<(u32, Wanted), StorageError> {
    let bad = || StorageProblem::BadDevice(text.into()).into();
    let number = |text: &str| u32::from_str_radix(text, 16).map_err(|_| bad());
    // `from_str_radix` takes a sign; we do not.
    if text.contains(['+', '-']) {
        return Err(bad());
    }
    match text.split_once(':') {
        None => Ok((number(text)?, Wanted::Default)),
        Some((device, "" | "auto")) => Ok((number(device)?, Wanted::Default)),
        Some((device, part)) => match number(part)? {
            0 => Ok((number(device)?, Wanted::Whole)),
            part => Ok((number(device)?, Wanted::Number(part))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_as_uboot_does() {
        assert_eq!(parse_device("0"), Ok((0, Wanted::Default)));
        assert_eq!(parse_device("1:0"), Ok((1, Wanted::Whole)));
        assert_eq!(parse_device("a:1f"), Ok((10, Wanted::Number(31))));
        assert_eq!(parse_device("0:auto"), Ok((0, Wanted::Default)));
        assert_eq!(parse_device("0:"), Ok((0, Wanted::Default)));
        for bad in ["", ":1", "x", "0:x", "0:1:2", "+0", "0:-1", "100000000"] {
            assert_eq!(
                parse_device(bad),
                Err(StorageProblem::BadDevice(bad.into()).into()),
                "{bad}"
            );
        }
    }

    #[test]
    fn takes_the_default_volume_from_variables() {
        let mut env = Environment::default();
        assert_eq!(default_volume(&env), None);
        env.set("devtype", "virtio");
        env.set("devnum", "0");
        assert_eq!(default_volume(&env), Some(("virtio".into(), "0".into())));
        env.set("distro_bootpart", "2");
        assert_eq!(default_volume(&env), Some(("virtio".into(), "0:2".into())));
    }
}
