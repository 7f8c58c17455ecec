//! The registers an exception vector saved.

use super::Vector;

/// The interrupted context, as vectors.S lays it out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// r0 to r12.
    pub r: [u32; 13],
    /// The stack pointer.
    pub sp: u32,
    /// The link register.
    pub lr: u32,
    /// The preferred return address: the instruction that faulted, or the one after HVC.
    pub pc: u32,
    /// The program status.
    pub psr: u32,
}

impl Frame {
    /// Makes `pc` the instruction's address after PL1's vectors, which took 4 off the link
    /// register. That is right for ARM code and for aborts; Undefined and SVC leave it 2 behind
    /// a Thumb instruction (DDI 0406C, link values on exception entry). HYP's ELR is exact.
    pub fn correct_thumb(&mut self, vector: Vector) {
        const THUMB: u32 = 1 << 5;
        if matches!(vector, Vector::Undefined | Vector::Call) && self.psr & THUMB != 0 {
            self.pc = self.pc.wrapping_add(2);
        }
    }

    /// Returns the frame pointer: r7, as the compiler's Thumb code has it. The assembly is ARM
    /// code, makes no frames, and leaves r7 to its callers wherever it can be interrupted.
    pub fn frame_pointer(&self) -> u32 {
        let [_, _, _, _, _, _, _, fp, ..] = self.r;
        fp
    }
}

const _: () = assert!(size_of::<Frame>() == 17 * 4, "vectors.S pushes 17 words");
