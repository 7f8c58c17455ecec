//! What is handed over: the image that is entered, the tree in r2, the initrd that it names.

use crate::{memory::Ram, walk::Memory};

const ZIMAGE_MAGIC: u32 = 0x016f_2818;
const TREE_MAGIC: u32 = 0xd00d_feed;
/// No tree of a board is that long.
const LONGEST_TREE: u32 = 4 << 20;

/// A half-open range of addresses.
pub type Range = (u32, u32);

/// The ranges of a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The image, from its first instruction to the end its header tells.
    pub image: Range,
    /// The tree.
    pub tree: Option<Range>,
    /// The initrd.
    pub initrd: Option<Range>,
}

/// Says whether a zImage starts at an address.
pub fn is_image(address: u64, ram: &Ram) -> bool {
    ram.word(address + 0x24) == Some(ZIMAGE_MAGIC)
}

impl Payload {
    /// Reads what is entered at `entry` with `tree` in r2.
    pub fn read(entry: u32, tree: u32, ram: &Ram) -> Self {
        let word = |offset: u64| ram.word(u64::from(entry) + offset).unwrap_or(0);
        let length = word(0x2c).wrapping_sub(word(0x28));
        let blob = read_tree(tree, ram);
        Self {
            image: (entry, entry.saturating_add(length)),
            tree: blob
                .as_ref()
                .map(|blob| (tree, tree.saturating_add(blob.len() as u32))),
            initrd: blob.as_deref().and_then(initrd),
        }
    }

    /// Names the part of the payload that an address is in.
    pub fn part(&self, address: u32) -> Option<&'static str> {
        let is_in = |(start, end): Range| (start..end).contains(&address);
        if is_in(self.image) {
            Some("image")
        } else if self.tree.is_some_and(is_in) {
            Some("tree")
        } else if self.initrd.is_some_and(is_in) {
            Some("initrd")
        } else {
            None
        }
    }

    /// Returns every range with its name.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, Range)> {
        [
            ("image", Some(self.image)),
            ("tree", self.tree),
            ("initrd", self.initrd),
        ]
        .into_iter()
        .filter_map(|(name, range)| Some((name, range?)))
    }
}

fn read_tree(address: u32, ram: &Ram) -> Option<Vec<u8>> {
    let word = |offset: u64| ram.word(u64::from(address) + offset).map(u32::swap_bytes);
    (word(0)? == TREE_MAGIC).then_some(())?;
    let size = word(4).filter(|size| *size <= LONGEST_TREE)?;
    Some(ram.bytes(u64::from(address), size as usize))
}

/// Returns /chosen's linux,initrd-start and -end (Devicetree specification 0.4, chapter 5).
fn initrd(blob: &[u8]) -> Option<Range> {
    let word = |at: usize| {
        let bytes = blob.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let (mut at, strings) = (word(8)? as usize, word(12)? as usize);
    let text = |at: usize| blob.get(at..)?.split(|byte| *byte == 0).next();
    let (mut depth, mut chosen) = (0_u32, false);
    let (mut start, mut end) = (None, None);
    loop {
        let token = word(at)?;
        at += 4;
        match token {
            1 => {
                let name = text(at)?;
                depth += 1;
                chosen |= depth == 2 && name == b"chosen";
                at += (name.len() + 4) & !3;
            }
            2 => {
                depth = depth.checked_sub(1)?;
                chosen &= depth >= 2;
            }
            3 => {
                let length = word(at)? as usize;
                let name = text(strings + word(at + 4)? as usize)?;
                // One cell or two: the low one is the last.
                if chosen && depth == 2 && (length == 4 || length == 8) {
                    let value = word(at + 8 + length - 4);
                    match name {
                        b"linux,initrd-start" => start = value,
                        b"linux,initrd-end" => end = value,
                        _ => {}
                    }
                }
                at += 8 + ((length + 3) & !3);
            }
            4 => {}
            _ => break,
        }
    }
    start.zip(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with /chosen, made by hand.
    fn blob() -> Vec<u8> {
        let strings = b"linux,initrd-start\0linux,initrd-end\0";
        let mut words: Vec<u32> = vec![1, 0, 1];
        words.extend([0x6368_6f73, 0x656e_0000]);
        words.extend([3, 8, 0, 0, 0x4800_0000]);
        words.extend([3, 4, 19, 0x4810_0000]);
        words.extend([2, 2, 9]);
        let header = [
            TREE_MAGIC,
            (40 + 4 * words.len() + strings.len()) as u32,
            40,
            (40 + 4 * words.len()) as u32,
        ];
        let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.resize(40, 0);
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn the_initrd_is_where_chosen_says() {
        assert_eq!(initrd(&blob()), Some((0x4800_0000, 0x4810_0000)));
        assert_eq!(initrd(&blob()[..60]), None);
    }

    #[test]
    fn parts_have_names() {
        let payload = Payload {
            image: (0x100, 0x200),
            tree: Some((0x300, 0x400)),
            initrd: None,
        };
        assert_eq!(payload.part(0x1ff), Some("image"));
        assert_eq!(payload.part(0x200), None);
        assert_eq!(payload.part(0x300), Some("tree"));
        assert_eq!(payload.parts().count(), 2);
    }
}
