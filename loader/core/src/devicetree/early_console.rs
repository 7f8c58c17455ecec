//! Finds a UART where nothing else works: no heap, and a tree that may be broken from some place on.
//!
//! For one line about what failed, before Baton parks. The tree is walked three times: for the
//! name of the console, for what that name stands for, and for the node.

use arrayvec::ArrayVec;
use platform_api::{DeviceNode, RawUart, RegisterLayout};

use super::{
    TreeError,
    cells::{Cells, MAX_CELLS, cell},
    check::{PropertyName, Visitor, check_with, until_nul},
    early::is_enabled,
    read::bus::{Ranges, through},
};

/// Nodes inside each other that are followed; a console does not lie deeper.
const MAX_LEVELS: usize = 12;
/// The longest path that is compared.
const MAX_PATH: usize = 256;
/// The `compatible` strings of a node that are looked at.
const MAX_COMPATIBLE: usize = 4;

/// Returns what `describe` says of the UART that `stdout-path` names, else of the first that it knows.
/// A tree that breaks off is used up to there.
pub fn find(
    blob: &[u8],
    describe: &mut dyn FnMut(&DeviceNode<'_>) -> Option<RawUart>,
) -> Option<RawUart> {
    let mut chosen = Property::new("chosen", b"stdout-path");
    // What is wrong with the tree is not the question any more.
    let _ = check_with(blob, &mut chosen);
    let mut path = chosen.value.map_or(&[][..], until_nul);
    path = path.split(|&byte| byte == b':').next().unwrap_or(path);
    if path.first() != Some(&b'/') && !path.is_empty() {
        let mut alias = Property::new("aliases", path);
        let _ = check_with(blob, &mut alias);
        path = alias.value.map_or(&[][..], until_nul);
    }
    let mut search = Search {
        path,
        here: ArrayVec::new(),
        levels: ArrayVec::new(),
        named: None,
        first: None,
        describe,
    };
    let _ = check_with(blob, &mut search);
    search.named.or(search.first)
}

/// Looks for a property of a node below the root.
struct Property<'a, 'n> {
    node: &'n str,
    name: &'n [u8],
    inside: bool,
    value: Option<&'a [u8]>,
}

impl<'n> Property<'_, 'n> {
    fn new(node: &'n str, name: &'n [u8]) -> Self {
        Self {
            node,
            name,
            inside: false,
            value: None,
        }
    }
}

impl<'a> Visitor<'a> for Property<'a, '_> {
    fn begin(&mut self, depth: usize, name: &'a [u8]) -> Result<(), TreeError> {
        if depth <= 1 {
            self.inside = depth == 1 && self.node.as_bytes() == name;
        }
        Ok(())
    }

    fn property(
        &mut self,
        depth: usize,
        name: PropertyName<'a>,
        value: &'a [u8],
    ) -> Result<(), TreeError> {
        if depth == 1 && self.inside && name.bytes() == self.name {
            self.value = Some(value);
        }
        Ok(())
    }

    fn end(&mut self, _: usize, _: usize) -> Result<(), TreeError> {
        Ok(())
    }
}

/// An open node.
#[derive(Clone, Copy)]
struct Level<'a> {
    parent_path: usize,
    cells: Cells,
    ranges: Ranges<'a>,
    enabled: bool,
    compatible: &'a [u8],
    reg: &'a [u8],
    layout: RegisterLayout,
}

struct Search<'a, 'd> {
    path: &'a [u8],
    here: ArrayVec<u8, MAX_PATH>,
    levels: ArrayVec<Level<'a>, MAX_LEVELS>,
    named: Option<RawUart>,
    first: Option<RawUart>,
    describe: &'d mut dyn FnMut(&DeviceNode<'_>) -> Option<RawUart>,
}

impl Search<'_, '_> {
    /// Looks at the innermost node, once all of it is known.
    fn look(&mut self) {
        let Some((level, above)) = self.levels.split_last() else {
            return;
        };
        if !level.enabled || level.compatible.is_empty() || level.reg.is_empty() {
            return;
        }
        let Some(mut window) = above
            .last()
            .and_then(|parent| parent.cells.ranges(level.reg).next()?)
        else {
            return;
        };
        for pair in above.windows(2).rev() {
            let [parent, bus] = pair else { return };
            let translated = match bus.ranges {
                Ranges::Unmapped => None,
                Ranges::Same => Some(window),
                Ranges::Table(table) => through(table, bus.cells, parent.cells, window),
            };
            match translated {
                Some(translated) => window = translated,
                None => return,
            }
        }
        let compatible: ArrayVec<&str, MAX_COMPATIBLE> = level
            .compatible
            .split(|&byte| byte == 0)
            .filter_map(|name| core::str::from_utf8(name).ok())
            .filter(|name| !name.is_empty())
            .take(MAX_COMPATIBLE)
            .collect();
        let found = (self.describe)(&DeviceNode {
            compatible: &compatible,
            reg: &[window],
            layout: level.layout,
            ..DeviceNode::default()
        });
        if found.is_some() {
            self.first = self.first.or(found);
            if self.here.as_slice() == self.path {
                self.named = found;
            }
        }
    }
}

impl<'a> Visitor<'a> for Search<'a, '_> {
    fn begin(&mut self, depth: usize, name: &'a [u8]) -> Result<(), TreeError> {
        let enabled = self.levels.last().is_none_or(|parent| parent.enabled);
        let parent_path = self.here.len();
        let room = self.levels.try_push(Level {
            parent_path,
            cells: Cells::default(),
            ranges: Ranges::Unmapped,
            enabled,
            compatible: &[],
            reg: &[],
            layout: RegisterLayout::default(),
        });
        if depth > 0 && room.is_ok() {
            // A path that is too long is cut, and then no name.
            let _ = self.here.try_push(b'/');
            let rest = self.here.remaining_capacity().min(name.len());
            let _ = self
                .here
                .try_extend_from_slice(name.get(..rest).unwrap_or_default());
        }
        Ok(())
    }

    fn property(
        &mut self,
        depth: usize,
        name: PropertyName<'a>,
        value: &'a [u8],
    ) -> Result<(), TreeError> {
        let Some(level) = self.levels.get_mut(depth) else {
            return Ok(());
        };
        match name.bytes() {
            b"compatible" => level.compatible = value,
            b"reg" => level.reg = value,
            b"status" => level.enabled &= is_enabled(value),
            b"ranges" if value.is_empty() => level.ranges = Ranges::Same,
            b"ranges" => level.ranges = Ranges::Table(value),
            b"#address-cells" => level.cells.address = cell(value).unwrap_or(MAX_CELLS + 1),
            b"#size-cells" => level.cells.size = cell(value).unwrap_or(MAX_CELLS + 1),
            b"reg-shift" => level.layout.shift = cell(value),
            b"reg-io-width" => level.layout.io_width = cell(value),
            b"reg-offset" => level.layout.offset = cell(value).unwrap_or(0),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, depth: usize, _: usize) -> Result<(), TreeError> {
        // Levels beyond the last one have none of their own.
        if depth < self.levels.len() {
            self.look();
            if let Some(level) = self.levels.pop() {
                self.here.truncate(level.parent_path);
            }
        }
        Ok(())
    }
}
