//! The zImage header: what the kernel's decompressor says about itself.
//!
//! The layout is Linux's (`arch/arm/boot/compressed/head.S` and `vmlinux.lds.S`); Xen and
//! Baton's own images wear the same header. `tools/mkzimage` writes it with these constants
//! (see docs/image-format.md).

use core::fmt;

use crate::storage::StorageError;

/// Offset of the magic number.
pub const MAGIC_OFFSET: usize = 0x24;
/// The magic number, little-endian in every image.
pub const MAGIC: u32 = 0x016f_2818;
/// Offset of the address the image was linked for; 0 is position independent.
pub const START_OFFSET: usize = 0x28;
/// Offset of the address of the image's end.
pub const END_OFFSET: usize = 0x2c;
/// Offset of the word that tells the byte order of the image's data.
pub const ENDIAN_OFFSET: usize = 0x30;
/// The byte-order word of a little-endian image.
pub const ENDIAN_LITTLE: u32 = 0x0403_0201;
/// The byte-order word of a big-endian image, read as little-endian.
pub const ENDIAN_BIG: u32 = 0x0102_0304;
/// Offset of the word that says whether there is a tag table.
pub const TABLE_MAGIC_OFFSET: usize = 0x34;
/// "There is a tag table": its offset follows.
pub const TABLE_MAGIC: u32 = 0x4545_4545;
/// Offset of the tag table's offset.
pub const TABLE_OFFSET: usize = 0x38;
/// The tag with the sizes: "KLSZ" backwards.
pub const TAG_KLSZ: u32 = 0x5a53_4c4b;
/// Bytes in the part of the header that every image has.
pub const HEADER_SIZE: usize = 0x30;
/// How many bytes [`parse`] likes to be given: one block of a disk. The tag table of a Linux
/// kernel lies behind the decompressor's code (Debian's 6.1: at 0xd55c).
pub const HEAD_SIZE: usize = 512;

/// What is fetched at once: the block that a word lies in.
const PIECE: u32 = 512;

/// Words of a tag's own header: size and tag.
const TAG_HEADER_WORDS: u32 = 2;

/// How many tags are looked at before the table is called broken.
const MAX_TAGS: usize = 32;
/// The words of a KLSZ tag's body that are understood.
const KLSZ_WORDS: usize = 4;

/// What a zImage says about itself; every number was checked against the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZImage {
    /// Bytes of the image, from its first to its end. Never more than the file has.
    pub length: u32,
    /// The address it was linked for; 0 is position independent.
    pub start: u32,
    /// Bytes after the file that the image claims too. Images without a tag table (Xen) count
    /// their BSS into the length; 0 for all others.
    pub beyond: u32,
    /// Bytes of the kernel once inflated, from the tag table.
    pub inflated: Option<u32>,
    /// Bytes of BSS after the inflated kernel; 0 without a tag table.
    pub bss: u32,
    /// Offset from the base of RAM that the kernel is inflated to; newer tag tables only.
    pub text_offset: Option<u32>,
    /// Bytes of heap that the decompressor takes after itself; newer tag tables only.
    pub malloc: Option<u32>,
    /// The kernel's data is big-endian.
    pub big_endian: bool,
}

/// Why a file is not a zImage, or a broken one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZImageError {
    /// Fewer bytes than a header.
    TooShort(u64),
    /// The magic number is something else.
    BadMagic(u32),
    /// The end is not behind the start, or leaves no room for the header.
    BadLength {
        /// The start word.
        start: u32,
        /// The end word.
        end: u32,
    },
    /// The file ends before the image does.
    Truncated {
        /// Bytes in the image, by its header.
        length: u32,
        /// Bytes in the file.
        file: u64,
    },
    /// The byte-order word is neither order.
    BadEndianness(u32),
    /// The tag table does not lie inside the image.
    TableOutside(u32),
    /// A tag's size is less than its header, or leads out of the image.
    BadTag {
        /// Where the tag is.
        offset: u32,
        /// Its size in words, header included.
        words: u32,
    },
    /// The table does not end.
    EndlessTable,
    /// The inflated-size word does not lie inside the image.
    SizeWordOutside(u32),
    /// The kernel would be larger than the address space.
    TooLarge {
        /// Bytes once inflated.
        inflated: u32,
        /// Bytes of BSS.
        bss: u32,
    },
    /// The file could not be read.
    Read(StorageError),
}

impl From<StorageError> for ZImageError {
    fn from(error: StorageError) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for ZImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => {
                write!(f, "no zImage: {length} bytes are less than its header")
            }
            Self::BadMagic(found) => {
                write!(f, "no zImage: magic is {found:#010x}, not {MAGIC:#010x}")
            }
            Self::BadLength { start, end } => {
                write!(
                    f,
                    "bad zImage: it ends at {end:#x} but starts at {start:#x}"
                )
            }
            Self::Truncated { length, file } => {
                write!(f, "truncated zImage: {file} bytes of {length}")
            }
            Self::BadEndianness(word) => {
                write!(f, "bad zImage: byte-order word {word:#010x}")
            }
            Self::TableOutside(offset) => {
                write!(f, "bad zImage: tag table at {offset:#x} is not inside it")
            }
            Self::BadTag { offset, words } => {
                write!(f, "bad zImage: tag of {words} words at {offset:#x}")
            }
            Self::EndlessTable => f.write_str("bad zImage: its tag table does not end"),
            Self::SizeWordOutside(offset) => {
                write!(f, "bad zImage: size word at {offset:#x} is not inside it")
            }
            Self::TooLarge { inflated, bss } => write!(
                f,
                "bad zImage: {inflated:#x} bytes and {bss:#x} of BSS exceed the address space"
            ),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ZImageError {}

/// Reads bytes of the image at an offset, all of them or an error. Only bytes inside the file are
/// asked for, at most 512 at a time and all from one block of 512.
pub type Fetch<'a> = dyn FnMut(u64, &mut [u8]) -> Result<(), StorageError> + 'a;

/// Reads the header of a zImage of `file` bytes. `head` is its beginning, best [`HEAD_SIZE`]
/// bytes; what lies behind it (the size word of a Linux kernel lies at the end of the
/// compressed data) is asked for through `fetch`.
///
/// # Errors
/// If it is not a zImage, or one whose numbers contradict each other or the file.
pub fn parse(head: &[u8], file: u64, fetch: &mut Fetch<'_>) -> Result<ZImage, ZImageError> {
    let mut source = Source {
        head,
        file,
        fetch,
        piece: [0; PIECE as usize],
        place: u32::MAX,
    };
    let short = || ZImageError::TooShort(file);
    let header = head.get(..HEADER_SIZE).ok_or_else(short)?;
    let magic = word(header, MAGIC_OFFSET).ok_or_else(short)?;
    if magic != MAGIC {
        return Err(ZImageError::BadMagic(magic));
    }
    let start = word(header, START_OFFSET).ok_or_else(short)?;
    let end = word(header, END_OFFSET).ok_or_else(short)?;
    let declared = match end.checked_sub(start) {
        // An image that is its header alone has nothing to enter.
        Some(length) if length as usize > HEADER_SIZE => length,
        _ => return Err(ZImageError::BadLength { start, end }),
    };
    let held = u32::try_from(file).unwrap_or(u32::MAX);
    if held as usize <= HEADER_SIZE {
        return Err(short());
    }
    let mut image = ZImage {
        length: declared.min(held),
        start,
        beyond: declared.saturating_sub(held),
        inflated: None,
        bss: 0,
        text_offset: None,
        malloc: None,
        big_endian: false,
    };
    // Images of before 2014, and Xen, have code where the byte-order word and the table are.
    if source.word_at(TABLE_MAGIC_OFFSET, image.length)? != Some(TABLE_MAGIC) {
        return Ok(image);
    }
    if image.beyond > 0 {
        return Err(ZImageError::Truncated {
            length: declared,
            file,
        });
    }
    image.big_endian = match source.word_at(ENDIAN_OFFSET, image.length)? {
        Some(ENDIAN_LITTLE) => false,
        Some(ENDIAN_BIG) => true,
        other => return Err(ZImageError::BadEndianness(other.unwrap_or(0))),
    };
    let table = source
        .word_at(TABLE_OFFSET, image.length)?
        .ok_or(ZImageError::TableOutside(0))?;
    // The size word last: it lies far from the table.
    if let Some(offset) = source.tags(table, &mut image)? {
        image.inflated = Some(source.inflated(offset, &image)?);
    }
    Ok(image)
}

/// The word at `offset`, if it is there.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}

/// An image: its beginning, a way to the rest, and the piece of that fetched last.
struct Source<'a, 'b> {
    head: &'a [u8],
    file: u64,
    fetch: &'a mut Fetch<'b>,
    piece: [u8; PIECE as usize],
    /// The offset of `piece` in the image; `u32::MAX` before the first.
    place: u32,
}

impl Source<'_, '_> {
    /// Reads the word at `offset`, or `None` if it is not inside `length` bytes and the file.
    fn word(&mut self, offset: u32, length: u32) -> Result<Option<u32>, ZImageError> {
        match offset.checked_add(4) {
            Some(end) if end <= length && u64::from(end) <= self.file => {}
            _ => return Ok(None),
        }
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(found) = word(self.head, at) {
            return Ok(Some(found));
        }
        // The size word may lie across the end of a piece.
        let mut bytes = [0; 4];
        for (slot, offset) in bytes.iter_mut().zip(offset..) {
            *slot = self.byte(offset)?;
        }
        Ok(Some(u32::from_le_bytes(bytes)))
    }

    /// Reads the byte at `offset`, which is inside the file.
    fn byte(&mut self, offset: u32) -> Result<u8, ZImageError> {
        let place = offset & !(PIECE - 1);
        if place != self.place {
            let length = u64::from(PIECE).min(self.file.saturating_sub(u64::from(place)));
            let length = usize::try_from(length).unwrap_or(0);
            // Nothing, for now: a failed read must not leave bytes under a wrong place.
            self.place = u32::MAX;
            let piece = self.piece.get_mut(..length).unwrap_or_default();
            (self.fetch)(u64::from(place), piece)?;
            self.place = place;
        }
        let at = usize::try_from(offset - place).unwrap_or(usize::MAX);
        Ok(self.piece.get(at).copied().unwrap_or(0))
    }

    /// Reads a word of the header.
    fn word_at(&mut self, offset: usize, length: u32) -> Result<Option<u32>, ZImageError> {
        self.word(u32::try_from(offset).unwrap_or(u32::MAX), length)
    }

    /// Walks the tag table at `table`; returns the offset of the size word, if a tag gives it.
    fn tags(&mut self, table: u32, image: &mut ZImage) -> Result<Option<u32>, ZImageError> {
        let mut offset = table;
        let mut size_word = None;
        for _ in 0..MAX_TAGS {
            let words = self
                .word(offset, image.length)?
                .ok_or(ZImageError::TableOutside(offset))?;
            if words == 0 {
                return Ok(size_word);
            }
            let bad = ZImageError::BadTag { offset, words };
            // In range or refused below: the word after the size is read inside the image.
            let tag = self.word(offset.saturating_add(4), image.length)?;
            // The first kernels with this tag counted its two words of body alone.
            let counted = if tag == Some(TAG_KLSZ) && words == TAG_HEADER_WORDS {
                words + TAG_HEADER_WORDS
            } else {
                words
            };
            let end = match counted
                .checked_mul(4)
                .and_then(|size| offset.checked_add(size))
            {
                Some(end) if words >= TAG_HEADER_WORDS && end <= image.length => end,
                _ => return Err(bad),
            };
            if tag == Some(TAG_KLSZ) {
                size_word = Some(self.sizes(offset.saturating_add(8), end, image)?);
            }
            offset = end;
        }
        Err(ZImageError::EndlessTable)
    }

    /// Reads the body of a KLSZ tag, `body..end`: two words or more. Returns the offset of the
    /// size word.
    fn sizes(&mut self, body: u32, end: u32, image: &mut ZImage) -> Result<u32, ZImageError> {
        let mut words = [None; KLSZ_WORDS];
        for (slot, offset) in words.iter_mut().zip((body..end).step_by(4)) {
            *slot = self.word(offset, end)?;
        }
        let [Some(size_word), Some(bss), text_offset, malloc] = words else {
            return Err(ZImageError::BadTag {
                offset: body.saturating_sub(8),
                words: end.saturating_sub(body) / 4 + 2,
            });
        };
        image.bss = bss;
        image.text_offset = text_offset;
        image.malloc = malloc;
        Ok(size_word)
    }

    /// Reads the size word at `offset`.
    fn inflated(&mut self, offset: u32, image: &ZImage) -> Result<u32, ZImageError> {
        let inflated = self
            .word(offset, image.length)?
            .ok_or(ZImageError::SizeWordOutside(offset))?;
        match inflated.checked_add(image.bss) {
            Some(_) => Ok(inflated),
            None => Err(ZImageError::TooLarge {
                inflated,
                bss: image.bss,
            }),
        }
    }
}

#[cfg(test)]
#[path = "zimage_tests.rs"]
mod tests;
