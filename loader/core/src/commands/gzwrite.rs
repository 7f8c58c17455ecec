//! `gzwrite`: unpacks a gzip'd disk image from memory to a disk.

use alloc::{format, vec::Vec};
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange};

use super::{Command, CommandError, Group, inflate::inflate, parse_hex};
use crate::{
    context::Context,
    image::gzip::{self, GzipError},
    storage,
};

/// The descriptor.
pub static GZWRITE: Command = Command {
    name: "gzwrite",
    aliases: &[],
    group: Group::Storage,
    summary: "unzip and write memory to block device",
    usage: "<interface> <dev> <addr> length [wbuf=1M [offs=0 [outsize=0]]]\n\
            \twbuf is the size in bytes (hex) of write buffer\n\
            \t\tand should be padded to erase size for SSDs\n\
            \toffs is the output start offset in bytes (hex)\n\
            \toutsize is the size of the expected output (hex bytes)\n\
            \t\tand is required for files with uncompressed lengths\n\
            \t\t4 GiB or larger",
    example: "gzwrite virtio 0 ${fileaddr} ${filesize} 100000 1000000",
    run,
};

/// Bytes written at once, if nothing is said.
const DEFAULT_BUFFER: u64 = 1 << 20;
/// Buffers between two signs of life.
const PROGRESS_EVERY: u64 = 4;

/// Where unpacked bytes go.
struct Target {
    /// The disk's place in the machine.
    disk: usize,
    /// Bytes in a block.
    block: usize,
    next: u64,
    buffer: Vec<u8>,
    /// Bytes gathered before they are written.
    room: usize,
    written: u64,
    expected: u64,
    writes: u64,
}

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (interface, device, address, length, more) = match *arguments {
        [_, interface, device, address, length, ref more @ ..] if more.len() <= 3 => {
            (interface, device, address, length, more)
        }
        _ => return Err(CommandError::usage()),
    };
    let number =
        |index: usize, default| more.get(index).map_or(Ok(default), |text| parse_hex(text));
    let (buffer, offset, size) = (number(0, DEFAULT_BUFFER)?, number(1, 0)?, number(2, 0)?);
    let source = PhysRange::from_size(PhysAddr::new(parse_hex(address)?), parse_hex(length)?);
    let source = source.ok_or_else(CommandError::usage)?;
    let expected = expected_size(cx.machine.memory.bytes(source)?, size)?;
    let index = u32::try_from(parse_hex(device)?).map_err(|_| CommandError::usage())?;
    let disk = storage::disk(&cx.machine, interface, index)?;
    let mut target = Target::new(cx, disk, (buffer, offset, expected))?;
    // Writing to a context cannot fail.
    let _ = cx.write_str("\n");
    let result = inflate(cx, source, &mut |cx, _, bytes| target.take(cx, bytes));
    let unpacked = match result {
        Ok(unpacked) => unpacked,
        Err(error) => {
            let _ = writeln!(cx, "\n\tuncompressed {} of {expected}", target.written);
            return Err(error);
        }
    };
    target.finish(cx)?;
    let _ = writeln!(
        cx,
        "\n\t{} bytes, crc 0x{:08x}",
        unpacked.size, unpacked.crc
    );
    Ok(())
}

/// Returns the size that the trailer tells, or the one that was told if its low bits are the same.
fn expected_size(source: &[u8], told: u64) -> Result<u64, CommandError> {
    gzip::header_size(source)?;
    let trailer = source.last_chunk::<{ gzip::TRAILER_SIZE }>();
    let trailer = trailer.and_then(|trailer| gzip::trailer(trailer));
    let (_, size) = trailer.ok_or(GzipError::Truncated)?;
    match told {
        0 => Ok(u64::from(size)),
        _ if told & 0xffff_ffff == u64::from(size) => Ok(told),
        _ => Err(CommandError::message(format!(
            "size of {told:x} doesn't match trailer low bits {size:x}"
        ))),
    }
}

impl Target {
    /// Checks that what is to be written fits the disk, before any of it is.
    fn new(
        cx: &Context<'_>,
        disk: usize,
        (buffer, offset, expected): (u64, u64, u64),
    ) -> Result<Self, CommandError> {
        let found = cx.machine.disks.get(disk).ok_or_else(CommandError::usage)?;
        let info = found.device.info();
        let block = u64::from(info.block_size);
        let wrong = |what, value| {
            CommandError::message(format!("gzwrite: {what} {value} not a multiple of {block}"))
        };
        if buffer == 0 || buffer % block != 0 {
            return Err(wrong("size", buffer));
        }
        if offset % block != 0 {
            return Err(wrong("start offset", offset));
        }
        let room = info.blocks.saturating_mul(block).checked_sub(offset);
        if room.is_none_or(|room| expected > room) {
            return Err(CommandError::message(format!(
                "gzwrite: uncompressed size {expected} exceeds device size"
            )));
        }
        // No more is gathered than there is to write.
        let size = buffer.min(expected.next_multiple_of(block)).max(block);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(size).map_err(|_| {
            CommandError::message(format!(
                "no memory for a buffer of {size:#x} bytes: say less"
            ))
        })?;
        Ok(Self {
            disk,
            block: usize::try_from(block).unwrap_or(1),
            next: offset / block,
            buffer,
            room: size,
            written: 0,
            expected,
            writes: 0,
        })
    }

    fn take(&mut self, cx: &mut Context<'_>, mut bytes: &[u8]) -> Result<(), CommandError> {
        while !bytes.is_empty() {
            let room = self.room.saturating_sub(self.buffer.len());
            let (part, rest) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(part);
            bytes = rest;
            if self.buffer.len() == self.room {
                self.write(cx)?;
            }
        }
        Ok(())
    }

    /// Writes the buffer, its last block filled up with zeros.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), CommandError> {
        let length = self.buffer.len();
        if self.written + length as u64 > self.expected {
            return Err(CommandError::message(format!(
                "more than the {} bytes that the trailer tells",
                self.expected
            )));
        }
        self.buffer.resize(length.next_multiple_of(self.block), 0);
        let disk = cx.machine.disks.get_mut(self.disk);
        let disk = disk.ok_or_else(CommandError::usage)?;
        disk.device.write_blocks(self.next, &self.buffer)?;
        self.next += (self.buffer.len() / self.block) as u64;
        self.buffer.clear();
        self.written += length as u64;
        if self.writes.is_multiple_of(PROGRESS_EVERY) {
            let _ = write!(cx, "{}/{}\r", self.written, self.expected);
        }
        self.writes += 1;
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), CommandError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.write(cx)
    }
}
