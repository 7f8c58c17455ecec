//! Overlays: a tree of fragments is merged into another tree (Devicetree overlay notes in the
//! Linux and dtc documentation).
//!
//! An overlay numbers its own nodes (phandles) from 1 and names those of the base by label. So
//! before its fragments are merged, its phandles move behind the base's, the places that hold
//! them (`__local_fixups__`) follow, and the places that hold a base node's (`__fixups__`) get
//! that node's, found in the base's `__symbols__`.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use super::{NodeId, TreeError, WorkingTree, cell};

const PHANDLES: [&str; 2] = ["phandle", "linux,phandle"];
const CONTENT: &str = "__overlay__";
const SYMBOLS: &str = "__symbols__";
const FIXUPS: &str = "__fixups__";
const LOCAL_FIXUPS: &str = "__local_fixups__";

/// Why an overlay was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverlayError {
    /// The overlay names labels and the base has none.
    NoSymbols,
    /// The base has no such label.
    NoSymbol(String),
    /// A label's node is not there, or has no phandle.
    NoNode {
        /// The label.
        label: String,
        /// Where it leads.
        path: String,
    },
    /// A fixup does not say where, or the place is not in the overlay.
    BadFixup(String),
    /// A fragment's target is not in the base.
    NoTarget(String),
    /// There is no fragment.
    Empty,
    /// No phandles are left.
    Phandles,
    /// An edit failed.
    Tree(TreeError),
}

impl fmt::Display for OverlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSymbols => f.write_str(
                "base fdt does did not have a /__symbols__ node\n\
                 make sure you've compiled with -@",
            ),
            Self::NoSymbol(label) => write!(f, "no label {label} in the base's /__symbols__"),
            Self::NoNode { label, path } => {
                write!(f, "the label {label} leads to {path}, which has no phandle")
            }
            Self::BadFixup(text) => write!(f, "bad fixup in the overlay: {text}"),
            Self::NoTarget(fragment) => write!(f, "the target of {fragment} is not in the tree"),
            Self::Empty => f.write_str("the overlay has no fragment"),
            Self::Phandles => f.write_str("no phandles are left for the overlay's nodes"),
            Self::Tree(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OverlayError {}

impl From<TreeError> for OverlayError {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

impl WorkingTree {
    /// Calls `visit` with a node and all below it, parents first.
    fn each(&self, node: NodeId, visit: &mut dyn FnMut(NodeId)) {
        visit(node);
        // A tree's depth is limited, and so is this recursion.
        for child in self.children(node) {
            self.each(child, visit);
        }
    }

    /// Returns a node's phandle; 0 and ~0 are none.
    pub fn phandle(&self, node: NodeId) -> Option<u32> {
        PHANDLES
            .iter()
            .find_map(|name| self.property(node, name).and_then(cell))
            .filter(|phandle| (1..u32::MAX).contains(phandle))
    }

    fn by_phandle(&self, phandle: u32) -> Option<NodeId> {
        let mut found = None;
        self.each(self.root(), &mut |node| {
            if self.phandle(node) == Some(phandle) {
                found = Some(node);
            }
        });
        found
    }

    fn highest_phandle(&self) -> u32 {
        let mut highest = 0;
        self.each(self.root(), &mut |node| {
            highest = highest.max(self.phandle(node).unwrap_or(0));
        });
        highest
    }
}

/// How the overlay's phandles become the base's: those of nodes that the base has already are
/// the base's, the others move behind its highest.
struct Renumbering {
    delta: u32,
    merged: Vec<(u32, u32)>,
}

impl Renumbering {
    fn of(&self, phandle: u32) -> Result<u32, OverlayError> {
        if let Some((_, base)) = self.merged.iter().find(|(overlay, _)| *overlay == phandle) {
            return Ok(*base);
        }
        phandle
            .checked_add(self.delta)
            .filter(|&moved| moved < u32::MAX)
            .ok_or(OverlayError::Phandles)
    }
}

/// A fragment: its name, its content, and where that goes.
struct Fragment {
    name: String,
    content: NodeId,
    target: NodeId,
}

/// Merges an overlay into a tree. After an error the tree is half changed: work on a copy.
///
/// # Errors
/// What in the overlay or in the tree does not fit the other.
pub fn apply(base: &mut WorkingTree, mut overlay: WorkingTree) -> Result<(), OverlayError> {
    fix_references(base, &mut overlay)?;
    let fragments = fragments(base, &overlay)?;
    let mut numbers = Renumbering {
        delta: base.highest_phandle(),
        merged: Vec::new(),
    };
    for fragment in &fragments {
        pair(
            base,
            fragment.target,
            &overlay,
            fragment.content,
            &mut numbers.merged,
        );
    }
    renumber(&mut overlay, &numbers)?;
    if let Some(places) = overlay.child(overlay.root(), LOCAL_FIXUPS) {
        let root = overlay.root();
        fix_local(&mut overlay, places, root, &numbers)?;
    }
    for fragment in &fragments {
        merge(base, fragment.target, &overlay, fragment.content)?;
    }
    add_symbols(base, &overlay, &fragments)
}

/// Writes a cell into a property's value.
fn put(
    tree: &mut WorkingTree,
    node: NodeId,
    name: &str,
    offset: usize,
    change: &dyn Fn(u32) -> Result<u32, OverlayError>,
) -> Result<(), OverlayError> {
    let bad = || OverlayError::BadFixup(format!("{} {name} {offset:#x}", tree.path(node)));
    let mut value = tree.property(node, name).ok_or_else(bad)?.to_vec();
    let place: &mut [u8; 4] = value
        .get_mut(offset..)
        .and_then(<[u8]>::first_chunk_mut)
        .ok_or_else(bad)?;
    *place = change(u32::from_be_bytes(*place))?.to_be_bytes();
    Ok(tree.set_property(node, name, &value)?)
}

/// Splits a property of strings.
fn strings(value: &[u8]) -> impl Iterator<Item = &str> {
    let value = value.strip_suffix(&[0]).unwrap_or(value);
    value
        .split(|&byte| byte == 0)
        .map(|part| core::str::from_utf8(part).unwrap_or_default())
}

/// Copies a node's properties, so that the tree can be changed meanwhile.
fn properties(tree: &WorkingTree, node: NodeId) -> Vec<(String, Vec<u8>)> {
    tree.properties(node)
        .map(|(name, value)| (name.into(), value.to_vec()))
        .collect()
}

/// Writes the phandles of the base's nodes that the overlay names by label.
fn fix_references(base: &WorkingTree, overlay: &mut WorkingTree) -> Result<(), OverlayError> {
    let Some(fixups) = overlay.child(overlay.root(), FIXUPS) else {
        return Ok(());
    };
    let symbols = base.child(base.root(), SYMBOLS);
    for (label, places) in properties(overlay, fixups) {
        let symbols = symbols.ok_or(OverlayError::NoSymbols)?;
        let path = base
            .text(symbols, &label)
            .ok_or_else(|| OverlayError::NoSymbol(label.clone()))?;
        let node = base.find(path);
        let phandle = node.and_then(|node| base.phandle(node));
        let phandle = phandle.ok_or_else(|| OverlayError::NoNode {
            label: label.clone(),
            path: path.into(),
        })?;
        for place in strings(&places) {
            let bad = || OverlayError::BadFixup(place.into());
            // The path may have colons in it, a property's name has none.
            let mut parts = place.rsplitn(3, ':');
            let offset = parts.next().and_then(|offset| offset.parse().ok());
            let name = parts.next().ok_or_else(bad)?;
            let node = parts.next().and_then(|path| overlay.find(path));
            let (offset, node) = offset.zip(node).ok_or_else(bad)?;
            put(overlay, node, name, offset, &|_| Ok(phandle))?;
        }
    }
    Ok(())
}

/// Finds the fragments and their targets.
fn fragments(base: &WorkingTree, overlay: &WorkingTree) -> Result<Vec<Fragment>, OverlayError> {
    let mut fragments = Vec::new();
    for fragment in overlay.children(overlay.root()) {
        let name = overlay.name(fragment);
        let mut children = overlay.children(fragment);
        let Some(content) = children.find(|&child| overlay.name(child) == CONTENT) else {
            continue;
        };
        let target = match overlay.property(fragment, "target").and_then(cell) {
            Some(phandle) => base.by_phandle(phandle),
            None => overlay
                .text(fragment, "target-path")
                .and_then(|path| base.find(path)),
        };
        fragments.push(Fragment {
            name: name.into(),
            content,
            target: target.ok_or_else(|| OverlayError::NoTarget(name.into()))?,
        });
    }
    if fragments.is_empty() {
        return Err(OverlayError::Empty);
    }
    Ok(fragments)
}

/// Returns the child with exactly this name.
fn same_child(tree: &WorkingTree, node: NodeId, name: &str) -> Option<NodeId> {
    tree.children(node).find(|&child| tree.name(child) == name)
}

/// Notes the phandles of nodes that are in both trees and have one in both.
fn pair(
    base: &WorkingTree,
    target: NodeId,
    overlay: &WorkingTree,
    content: NodeId,
    merged: &mut Vec<(u32, u32)>,
) {
    if let (Some(old), Some(new)) = (overlay.phandle(content), base.phandle(target)) {
        merged.push((old, new));
    }
    for child in overlay.children(content) {
        if let Some(other) = same_child(base, target, overlay.name(child)) {
            pair(base, other, overlay, child, merged);
        }
    }
}

/// Gives the overlay's nodes their new phandles.
fn renumber(overlay: &mut WorkingTree, numbers: &Renumbering) -> Result<(), OverlayError> {
    let mut nodes = Vec::new();
    overlay.each(overlay.root(), &mut |node| nodes.push(node));
    for node in nodes {
        for name in PHANDLES {
            if overlay.property(node, name).is_some() {
                put(overlay, node, name, 0, &|phandle| numbers.of(phandle))?;
            }
        }
    }
    Ok(())
}

/// Follows the renumbering at every place that `places`, a tree of the overlay's shape, names.
fn fix_local(
    overlay: &mut WorkingTree,
    places: NodeId,
    node: NodeId,
    numbers: &Renumbering,
) -> Result<(), OverlayError> {
    for (name, offsets) in properties(overlay, places) {
        for offset in offsets.as_chunks::<4>().0 {
            let offset = usize::try_from(u32::from_be_bytes(*offset)).unwrap_or(usize::MAX);
            put(overlay, node, &name, offset, &|phandle| numbers.of(phandle))?;
        }
    }
    let inner: Vec<NodeId> = overlay.children(places).collect();
    for places in inner {
        let name = String::from(overlay.name(places));
        let node = same_child(overlay, node, &name).ok_or(OverlayError::BadFixup(name))?;
        fix_local(overlay, places, node, numbers)?;
    }
    Ok(())
}

/// Copies a node's properties and children over those of another.
fn merge(
    base: &mut WorkingTree,
    target: NodeId,
    overlay: &WorkingTree,
    content: NodeId,
) -> Result<(), OverlayError> {
    for (name, value) in overlay.properties(content) {
        base.set_property(target, name, value)?;
    }
    for child in overlay.children(content) {
        let name = overlay.name(child);
        let node = match same_child(base, target, name) {
            Some(node) => node,
            None => base.make_node(target, name)?,
        };
        merge(base, node, overlay, child)?;
    }
    Ok(())
}

/// Adds the overlay's labels to the base's, with the paths that their nodes have there.
fn add_symbols(
    base: &mut WorkingTree,
    overlay: &WorkingTree,
    fragments: &[Fragment],
) -> Result<(), OverlayError> {
    let Some(symbols) = overlay.child(overlay.root(), SYMBOLS) else {
        return Ok(());
    };
    for (label, path) in overlay.properties(symbols) {
        let path = strings(path).next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').splitn(3, '/');
        let fragment = parts.next().unwrap_or_default();
        let fragment = fragments.iter().find(|known| known.name == fragment);
        // A label outside of a fragment's content names nothing that is merged.
        let (Some(fragment), Some(CONTENT)) = (fragment, parts.next()) else {
            continue;
        };
        let mut path = base.path(fragment.target);
        if let Some(rest) = parts.next() {
            if !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(rest);
        }
        path.push('\0');
        let symbols = base.ensure_node(base.root(), SYMBOLS)?;
        base.set_property(symbols, label, path.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
