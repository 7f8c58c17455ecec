//! A form of a checked blob that fdt-rs can read.

use alloc::{borrow::Cow, vec::Vec};

use super::super::{
    CheckedTree, PropertyName, TreeError, Visitor,
    check::{LONGEST_READABLE_NAME, NOP},
};

/// fdt-rs reads the token after the one it returns only if a byte follows it.
const SLACK: usize = 4;
/// What a name is cut to: with its NUL it fills whole cells.
const CUT: usize = 27;

/// A blob at an address that is a multiple of 4.
pub(super) struct Readable<'a> {
    bytes: Cow<'a, [u8]>,
    start: usize,
}

impl<'a> Readable<'a> {
    /// Borrows the blob if it can be read as it is: QEMU's and U-Boot's can. Otherwise copies
    /// it, to an aligned place and with long names cut. The copy has every token where the blob
    /// has it; no-op tokens stand where names were cut.
    pub(super) fn new(tree: &CheckedTree<'a>) -> Result<Self, TreeError> {
        let used = tree.used();
        let aligned = (used.as_ptr() as usize).is_multiple_of(4);
        if aligned && tree.strings_are_last() && !tree.has_long_names() {
            return Ok(Self {
                bytes: Cow::Borrowed(used),
                start: 0,
            });
        }
        let mut bytes = Vec::with_capacity(used.len() + 2 * SLACK);
        let start = (bytes.as_ptr() as usize).wrapping_neg() % 4;
        bytes.resize(start, 0);
        bytes.extend_from_slice(used);
        bytes.resize(start + used.len() + SLACK, 0);
        let length = u32::try_from(used.len() + SLACK).unwrap_or(u32::MAX);
        let copy = bytes.get_mut(start..).unwrap_or_default();
        if let Some(totalsize) = copy.get_mut(4..8) {
            totalsize.copy_from_slice(&length.to_be_bytes());
        }
        if tree.has_long_names() {
            let base = used.as_ptr() as usize;
            tree.visit(&mut Cutter { copy, base })?;
        }
        Ok(Self {
            bytes: Cow::Owned(bytes),
            start,
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

struct Cutter<'c> {
    copy: &'c mut [u8],
    base: usize,
}

impl<'a> Visitor<'a> for Cutter<'_> {
    fn begin(&mut self, _: usize, name: &'a [u8]) -> Result<(), TreeError> {
        if name.len() <= LONGEST_READABLE_NAME {
            return Ok(());
        }
        let offset = name.as_ptr() as usize - self.base;
        let end = offset + (name.len() + 1).next_multiple_of(4);
        let cut = self.copy.get_mut(offset + CUT..end).unwrap_or_default();
        if let Some((terminator, rest)) = cut.split_first_mut() {
            *terminator = 0;
            for token in rest.as_chunks_mut::<4>().0 {
                *token = NOP.to_be_bytes();
            }
        }
        Ok(())
    }

    fn property(&mut self, _: usize, _: PropertyName<'a>, _: &'a [u8]) -> Result<(), TreeError> {
        Ok(())
    }

    fn end(&mut self, _: usize, _: usize) -> Result<(), TreeError> {
        Ok(())
    }
}
