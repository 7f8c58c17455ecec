//! `load`, `fatload`: reads a file into memory.

use alloc::{format, string::String};
use core::fmt::{self, Write};

use platform_api::{PhysAddr, PhysRange};

use super::{Command, CommandError, Group, parse_hex};
use crate::{
    context::{Context, LoadedFile},
    storage::{self, VolumeName},
};

/// `load`.
pub static LOAD: Command = Command {
    name: "load",
    aliases: &["fatload", "ext2load", "ext4load"],
    group: Group::Storage,
    summary: "load binary file from a filesystem",
    usage: "<interface> <dev[:part]> [<addr|-> [<filename> [bytes [pos]]]]\n    \
            - load the file 'filename' from partition 'part' on device type 'interface'\n      \
            instance 'dev' to address 'addr' in memory\n      \
            'bytes' gives the size to load in bytes; if it is 0 or omitted, the file is read\n      \
            until the end; 'pos' gives the byte to start at, 0 if omitted\n      \
            'addr' is ${loadaddr} if omitted or '-', and free memory without that variable\n      \
            'filename' is ${bootfile} if omitted; all numbers are hexadecimal",
    example: "load virtio 0:1 48000000 zImage",
    run,
};

/// Where the search for free memory starts, counted from the start of a bank: the kernel is
/// inflated to below.
const FREE_OFFSET: u64 = 32 << 20;
/// What addresses found free are multiples of.
const FREE_ALIGNMENT: u64 = 1 << 20;

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (interface, device, rest) = match arguments {
        [_, interface, device, rest @ ..] if rest.len() <= 4 => (*interface, *device, rest),
        _ => return Err(CommandError::usage()),
    };
    let number = |index: usize| rest.get(index).map_or(Ok(0), |text| parse_hex(text));
    let (bytes, position) = (number(2)?, number(3)?);
    let address = match rest.first() {
        None | Some(&"-") => cx.env.get("loadaddr"),
        Some(text) => Some(*text),
    };
    let address = address.map(parse_hex).transpose()?.map(PhysAddr::new);
    let path = match rest.get(1) {
        Some(path) => Some(*path),
        None => cx.env.get("bootfile"),
    };
    let path = path
        .map(String::from)
        .ok_or_else(|| CommandError::message("name a file, or set bootfile".into()))?;

    let volume = VolumeName { interface, device };
    let file = storage::open(&mut cx.machine, volume, &path)?;
    let length = match bytes {
        0 => file.size().saturating_sub(position),
        bytes => bytes,
    };
    file.check(position, length)?;
    let address = match address {
        Some(address) => address,
        None => free_memory(cx, length)?,
    };
    let range = PhysRange::from_size(address, length)
        .ok_or_else(|| CommandError::message(format!("{length:#x} bytes at {address} wrap")))?;
    let time = storage::read_into(cx, &file, position, range)?;
    let rate = Rate {
        bytes: length,
        verb: "read",
        microseconds: time.0,
    };
    let _ = writeln!(cx, "{rate}");
    cx.loaded.retain(|loaded| !loaded.range.overlaps(range));
    cx.loaded.push(LoadedFile { path, range });
    cx.env.try_set("filesize", &format!("{length:x}"))?;
    cx.env
        .try_set("fileaddr", &format!("{:x}", address.as_u64()))?;
    Ok(())
}

/// Finds free memory for `size` bytes: in RAM, not claimed, and not where an earlier file is.
fn free_memory(cx: &Context<'_>, size: u64) -> Result<PhysAddr, CommandError> {
    let taken = || {
        let claims = cx.map.reserved.iter().chain(&cx.map.loader);
        let claims = claims.chain(&cx.map.staged).map(|claim| claim.range);
        let claims = claims.chain(cx.map.initrd);
        claims.chain(cx.loaded.iter().map(|loaded| loaded.range))
    };
    let fits = |bank: &PhysRange, from: u64| {
        let mut start = bank.start().checked_add(from)?;
        loop {
            start = start.align_up(FREE_ALIGNMENT)?;
            let range = PhysRange::from_size(start, size)?;
            if !bank.contains_range(range) {
                return None;
            }
            match taken().find(|taken| taken.overlaps(range)) {
                // Each claim is passed once at most: the end of one is never before its start.
                Some(claim) => start = claim.end(),
                None => return Some(start),
            }
        }
    };
    [FREE_OFFSET, 0]
        .iter()
        .find_map(|&from| cx.map.ram.iter().find_map(|bank| fits(bank, from)))
        .ok_or_else(|| {
            CommandError::message(format!(
                "no {size:#x} bytes of memory are free: give an address, or setenv loadaddr"
            ))
        })
}

/// The line after a load: `5526016 bytes read in 12 ms (439.2 MiB/s)`.
pub(super) struct Rate {
    pub bytes: u64,
    /// What was done with them: `read`.
    pub verb: &'static str,
    pub microseconds: u64,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.microseconds / 1000;
        let Self { bytes, verb, .. } = self;
        write!(f, "{bytes} bytes {verb} in {milliseconds} ms")?;
        if milliseconds == 0 {
            return Ok(());
        }
        let rate = self.bytes.saturating_mul(1_000_000) / self.microseconds;
        let (unit, shift) = match rate {
            0..0x400 => return write!(f, " ({rate} Bytes/s)"),
            0x400..0x10_0000 => ("KiB", 10),
            0x10_0000..0x4000_0000 => ("MiB", 20),
            _ => ("GiB", 30),
        };
        // In tenths, rounded.
        let tenths = ((rate.saturating_mul(10) >> (shift - 1)) + 1) >> 1;
        match (tenths / 10, tenths % 10) {
            (whole, 0) => write!(f, " ({whole} {unit}/s)"),
            (whole, tenth) => write!(f, " ({whole}.{tenth} {unit}/s)"),
        }
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
