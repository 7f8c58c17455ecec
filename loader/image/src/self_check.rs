//! Feature `self-check`: tries memory.S on the machine it runs on, before the MMU is on: every
//! small length at every alignment, and what lies around. Unaligned words fault meanwhile, also
//! where an emulator is lenient about memory without an MMU.

use alloc::format;
use core::hint::black_box;

use platform_api::CpuMode;
use platform_armv7::{
    cpu,
    registers::{Hsctlr, Sctlr, isb},
};

/// SCTLR.A and HSCTLR.A: alignment checks.
const ALIGNMENT_CHECK: u32 = 1 << 1;

/// Longer than two turns of the 32-byte loops with a tail and a head.
const LONGEST: usize = 80;
/// Each side is tried at all of these offsets.
const OFFSETS: usize = 8;
/// Bytes before and after that must stay as they are.
const MARGIN: usize = 8;
const SIZE: usize = MARGIN + OFFSETS + LONGEST + MARGIN;

unsafe extern "C" {
    fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8;
    fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32;
}

/// What was found.
#[derive(Clone, Copy)]
pub enum Verdict {
    /// So many calls did what they should.
    Right(u32),
    /// A call did something else.
    Wrong {
        function: &'static str,
        to: usize,
        from: usize,
        length: usize,
    },
}

impl Verdict {
    /// Prints a line. The heap must be up.
    pub fn say(self, print: fn(&str)) {
        print(&match self {
            Self::Right(calls) => format!("self-check: memory: {calls} calls right\n"),
            Self::Wrong {
                function,
                to,
                from,
                length,
            } => format!(
                "self-check: memory: {function} of {length} bytes from offset {from} to {to} \
                 is wrong\n"
            ),
        });
    }
}

#[repr(align(8))]
struct Buffer([u8; SIZE]);

impl Buffer {
    /// Byte `index` is `index + start`, written byte by byte.
    fn counting(start: u8) -> Self {
        let mut buffer = Self([0; SIZE]);
        for (byte, value) in buffer.0.iter_mut().zip(start..) {
            *black_box(byte) = value;
        }
        buffer
    }

    /// Tells whether byte `index` is `expected(index)`, for all.
    fn is(&self, expected: impl Fn(usize) -> u8) -> bool {
        let bytes = black_box(&self.0).iter().enumerate();
        bytes.fold(true, |right, (index, byte)| {
            right && *byte == expected(index)
        })
    }
}

/// Runs every case, with alignment checks on.
pub fn run() -> Verdict {
    set_control(|control| control | ALIGNMENT_CHECK);
    let verdict = run_all();
    set_control(|control| control & !ALIGNMENT_CHECK);
    verdict
}

fn set_control(change: fn(u32) -> u32) {
    // SAFETY: alignment checks alone are changed, and the compiler makes no unaligned accesses
    // for this target (+strict-align).
    unsafe {
        if cpu::mode() == CpuMode::Hypervisor {
            Hsctlr::write(change(Hsctlr::read()));
        } else {
            Sctlr::write(change(Sctlr::read()));
        }
    }
    isb();
}

fn run_all() -> Verdict {
    let mut calls = 0;
    for length in 0..=LONGEST {
        for to in MARGIN..MARGIN + OFFSETS {
            for from in MARGIN..MARGIN + OFFSETS {
                let wrong = [
                    ("memcpy", copies(to, from, length)),
                    ("memmove", moves(to, from, length)),
                    ("memset", sets(to, length)),
                    ("memcmp", compares(to, from, length)),
                ];
                if let Some((function, _)) = wrong.into_iter().find(|(_, right)| !right) {
                    return Verdict::Wrong {
                        function,
                        to,
                        from,
                        length,
                    };
                }
                calls += 4;
            }
        }
    }
    Verdict::Right(calls)
}

#[expect(clippy::cast_possible_truncation, reason = "SIZE is below 128")]
fn copies(to: usize, from: usize, length: usize) -> bool {
    let source = Buffer::counting(0);
    let mut target = Buffer::counting(128);
    let start = target.0.as_mut_ptr().wrapping_add(to);
    // SAFETY: both ranges lie in their buffers, whose MARGIN they leave alone.
    let result = unsafe { memcpy(start, source.0.as_ptr().wrapping_add(from), length) };
    result == start
        && target.is(|index| match index.checked_sub(to) {
            Some(offset) if offset < length => (from + offset) as u8,
            _ => index as u8 + 128,
        })
}

#[expect(clippy::cast_possible_truncation, reason = "SIZE is below 128")]
fn moves(to: usize, from: usize, length: usize) -> bool {
    let mut buffer = Buffer::counting(0);
    let base = buffer.0.as_mut_ptr();
    // SAFETY: both ranges lie in the buffer; memmove's may overlap.
    let result = unsafe { memmove(base.wrapping_add(to), base.wrapping_add(from), length) };
    result == base.wrapping_add(to)
        && buffer.is(|index| match index.checked_sub(to) {
            Some(offset) if offset < length => (from + offset) as u8,
            _ => index as u8,
        })
}

#[expect(clippy::cast_possible_truncation, reason = "SIZE is below 128")]
fn sets(to: usize, length: usize) -> bool {
    let mut target = Buffer::counting(0);
    let start = target.0.as_mut_ptr().wrapping_add(to);
    // SAFETY: the range lies in the buffer. The value's upper bits are to be ignored.
    let result = unsafe { memset(start, 0x7fa5, length) };
    result == start
        && target.is(|index| match index.checked_sub(to) {
            Some(offset) if offset < length => 0xa5,
            _ => index as u8,
        })
}

/// Equal bytes, then one that differs at the start, in the middle, at the end, and just behind,
/// where it must not count.
fn compares(to: usize, from: usize, length: usize) -> bool {
    let source = Buffer::counting(0);
    [0, length / 2, length.wrapping_sub(1), length]
        .into_iter()
        .all(|at| {
            let mut other = Buffer::counting(0);
            // SAFETY: both ranges lie in the buffer; memmove's may overlap.
            let start = unsafe {
                let base = other.0.as_mut_ptr();
                memmove(base.wrapping_add(to), base.wrapping_add(from), length)
            };
            if let Some(byte) = other.0.get_mut(to.wrapping_add(at)) {
                *black_box(byte) = 0xff;
            }
            // SAFETY: both ranges lie in their buffers.
            let result = unsafe { memcmp(start, source.0.as_ptr().wrapping_add(from), length) };
            // No byte of the source is 0xff.
            if at < length { result > 0 } else { result == 0 }
        })
}
