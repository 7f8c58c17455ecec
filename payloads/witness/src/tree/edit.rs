//! The one edit a payload makes: another command line, for whom it hands over to.

use super::{MAGIC, PROPERTY, Token, Tree};

/// Bytes of the header.
const HEADER: usize = 40;

/// Writes into a buffer from its start.
struct Writer<'o> {
    out: &'o mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.at.checked_add(bytes.len())?;
        self.out.get_mut(self.at..end)?.copy_from_slice(bytes);
        self.at = end;
        Some(())
    }

    fn word(&mut self, word: usize) -> Option<()> {
        self.bytes(&u32::try_from(word).ok()?.to_be_bytes())
    }
}

impl Tree<'_> {
    /// Writes a copy of the tree with another `/chosen/bootargs`, without free space, and returns
    /// its bytes. `None` if there is no such property, or no room.
    pub fn with_bootargs<'o>(&self, text: &str, out: &'o mut [u8]) -> Option<&'o [u8]> {
        let (start, name, end) = self.bootargs()?;
        let before = self.structure.get(..start)?;
        let after = self.structure.get(end..)?;
        let value = text.len().checked_add(1)?;
        let padded = value.checked_next_multiple_of(4)?;
        let structure_size = before.len() + 12 + padded + after.len();
        let reservations = self.reservations.chunks_exact(16);
        let entries = reservations.clone().take_while(|entry| **entry != [0; 16]);
        let reservations_size = 16 * (entries.clone().count() + 1);

        let structure = HEADER + reservations_size;
        let strings = structure + structure_size;
        let total = strings + self.strings.len();
        let mut writer = Writer { out, at: 0 };
        writer.bytes(&MAGIC.to_be_bytes())?;
        for word in [total, structure, strings, HEADER, 17, 16] {
            writer.word(word)?;
        }
        writer.bytes(&self.boot_cpu.to_be_bytes())?;
        writer.word(self.strings.len())?;
        writer.word(structure_size)?;
        for entry in entries {
            writer.bytes(entry)?;
        }
        writer.bytes(&[0; 16])?;
        writer.bytes(before)?;
        writer.bytes(&PROPERTY.to_be_bytes())?;
        writer.word(value)?;
        writer.word(name)?;
        writer.bytes(text.as_bytes())?;
        // The text's NUL, and padding.
        writer.bytes([0; 4].get(..padded - text.len())?)?;
        writer.bytes(after)?;
        writer.bytes(self.strings)?;
        let Writer { out, at } = writer;
        out.get(..at)
    }

    /// Finds the property: where its token begins, its name's offset, where the next begins.
    fn bootargs(&self) -> Option<(usize, usize, usize)> {
        let mut at = self.find("/chosen")?.body();
        loop {
            match self.token(at)? {
                (Token::Property(property), next) if property.name == "bootargs" => {
                    let name = super::word(self.structure, at.checked_add(8)?)?;
                    return Some((at, super::to_usize(name), next));
                }
                (Token::Property(_) | Token::Nop, next) => at = next,
                _ => return None,
            }
        }
    }
}
