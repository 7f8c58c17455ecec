//! FIT images: device trees of images, configurations and hashes.
//!
//! The tree is walked in place: its properties hold kernels, which the heap could not.

use alloc::{string::String, vec::Vec};
use core::fmt::Write;

use super::{super::hash::Algorithm, write_size, write_time};
use crate::{
    devicetree::{PropertyName, TreeError, Visitor, cell, check_with, render::as_strings},
    image::legacy::{ARCHITECTURES, COMPRESSIONS, KINDS, SYSTEMS, long_name},
};

/// A node as far as it matters here.
struct Node<'a> {
    depth: usize,
    name: &'a str,
    properties: Vec<(&'a [u8], &'a [u8])>,
}

/// Gathers the nodes down to the hashes, in tree order.
#[derive(Default)]
struct Index<'a> {
    nodes: Vec<Node<'a>>,
}

/// The deepest level that matters: `/images/NAME/hash-1`.
const DEEPEST: usize = 3;

impl<'a> Visitor<'a> for Index<'a> {
    fn begin(&mut self, depth: usize, name: &'a [u8]) -> Result<(), TreeError> {
        if depth <= DEEPEST {
            let name = core::str::from_utf8(name).unwrap_or_default();
            self.nodes.push(Node {
                depth,
                name,
                properties: Vec::new(),
            });
        }
        Ok(())
    }

    fn property(
        &mut self,
        depth: usize,
        name: PropertyName<'a>,
        value: &'a [u8],
    ) -> Result<(), TreeError> {
        match self.nodes.last_mut() {
            Some(node) if node.depth == depth => node.properties.push((name.bytes(), value)),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, _: usize, _: usize) -> Result<(), TreeError> {
        Ok(())
    }
}

impl<'a> Node<'a> {
    fn property(&self, name: &str) -> Option<&'a [u8]> {
        let mut properties = self.properties.iter();
        let found = properties.find(|(known, _)| *known == name.as_bytes());
        found.map(|(_, value)| *value)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        let value = self.property(name)?;
        core::str::from_utf8(value.split(|&byte| byte == 0).next()?).ok()
    }

    /// Reads a property of one or two cells.
    fn number(&self, name: &str) -> Option<u64> {
        let value = self.property(name)?;
        match value.len() {
            8 => Some(u64::from_be_bytes(*value.first_chunk()?)),
            _ => cell(value).map(u64::from),
        }
    }
}

impl<'a> Index<'a> {
    /// Returns the nodes below `/NAME`, with what is in each.
    fn below(&self, name: &str) -> Option<Vec<&[Node<'a>]>> {
        let start = self
            .nodes
            .iter()
            .position(|node| node.depth == 1 && node.name == name)?;
        let rest = self.nodes.get(start + 1..)?;
        let end = rest.iter().position(|node| node.depth < 2);
        let mut rest = rest.get(..end.unwrap_or(rest.len()))?;
        let mut groups = Vec::new();
        while let [_, others @ ..] = rest {
            let length = 1 + others.iter().take_while(|node| node.depth > 2).count();
            let (group, after) = rest.split_at(length);
            groups.push(group);
            rest = after;
        }
        Some(groups)
    }
}

/// Describes a FIT; tells whether it is one, and its hashes are right.
pub(super) fn describe(blob: &[u8], address: u64, out: &mut String) -> bool {
    let mut index = Index::default();
    let sound = check_with(blob, &mut index).is_ok();
    let images = index.below("images").filter(|_| sound);
    let Some((root, images)) = index.nodes.first().zip(images) else {
        out.push_str(if sound {
            "   Flattened device tree found\nUnknown image format!\n"
        } else {
            "   FIT image found\nBad FIT image format!\n"
        });
        return false;
    };
    out.push_str("   FIT image found\n");
    line(out, "FIT description: ", root.text("description"));
    out.push_str("   Created:         ");
    time(out, root);
    for (count, image) in images.iter().enumerate() {
        describe_image(out, count, image, root, (blob, address));
    }
    describe_configurations(out, &index);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "## Checking hash(es) for FIT Image at {address:08x} ..."
    );
    for (count, image) in images.iter().enumerate() {
        if !check_hashes(out, count, image) {
            out.push_str("Bad hash in FIT image!\n");
            return false;
        }
    }
    true
}

fn line(out: &mut String, title: &str, text: Option<&str>) {
    let _ = writeln!(out, "   {title}{}", text.unwrap_or("unavailable"));
}

fn time(out: &mut String, root: &Node<'_>) {
    match root.property("timestamp").and_then(cell) {
        Some(seconds) => write_time(out, seconds),
        None => out.push_str("unavailable\n"),
    }
}

/// Names whose images are entered, and whose images have an address to be at.
const ENTERED: &[&str] = &["kernel", "standalone", "ramdisk"];
const PLACED: &[&str] = &["kernel", "standalone", "firmware", "ramdisk", "fpga"];
const SYSTEM: &[&str] = &["kernel", "ramdisk", "firmware"];

fn describe_image(
    out: &mut String,
    count: usize,
    image: &[Node<'_>],
    root: &Node<'_>,
    (blob, address): (&[u8], u64),
) {
    let [node, inner @ ..] = image else {
        return;
    };
    let _ = writeln!(out, "    Image {count} ({})", node.name);
    line(out, "  Description:  ", node.text("description"));
    out.push_str("     Created:      ");
    time(out, root);
    let kind = node.text("type").unwrap_or_default();
    let name = |names, property| Some(long_name(names, node.text(property)));
    line(out, "  Type:         ", name(KINDS, "type"));
    line(out, "  Compression:  ", name(COMPRESSIONS, "compression"));
    match node.property("data") {
        Some(data) => {
            let offset = (data.as_ptr() as usize).saturating_sub(blob.as_ptr() as usize);
            let start = address.saturating_add(offset as u64);
            let _ = writeln!(out, "     Data Start:   0x{start:08x}");
            out.push_str("     Data Size:    ");
            write_size(out, data.len() as u64);
        }
        None => {
            line(out, "  Data Start:   ", None);
            line(out, "  Data Size:    ", None);
        }
    }
    if ENTERED.contains(&kind) || matches!(kind, "firmware" | "flat_dt") {
        line(out, "  Architecture: ", name(ARCHITECTURES, "arch"));
    }
    if SYSTEM.contains(&kind) {
        line(out, "  OS:           ", name(SYSTEMS, "os"));
    }
    if PLACED.contains(&kind) || (kind == "flat_dt" && node.property("load").is_some()) {
        number(out, "  Load Address: ", node.number("load"));
    }
    if ENTERED.contains(&kind) {
        number(out, "  Entry Point:  ", node.number("entry"));
    }
    inner.iter().for_each(|node| describe_hash(out, node));
}

fn number(out: &mut String, title: &str, value: Option<u64>) {
    match value {
        Some(value) => {
            let _ = writeln!(out, "   {title}0x{value:08x}");
        }
        None => line(out, title, None),
    }
}

fn describe_hash(out: &mut String, node: &Node<'_>) {
    let title = if node.name.starts_with("hash") {
        "Hash"
    } else if node.name.starts_with("signature") {
        "Sign"
    } else {
        return;
    };
    let algorithm = node.text("algo").unwrap_or("invalid/unsupported");
    let _ = write!(out, "     {title} algo:    {algorithm}");
    if let Some(key) = node.text("key-name-hint") {
        let _ = write!(out, ":{key}");
    }
    let _ = write!(out, "\n     {title} value:   ");
    match node.property("value") {
        Some(value) => {
            for byte in value {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('\n');
        }
        None => out.push_str("unavailable\n"),
    }
}

/// The properties of a configuration, and how they are called.
const PARTS: &[(&str, &str)] = &[
    ("ramdisk", "Init Ramdisk: "),
    ("firmware", "Firmware:     "),
    ("fdt", "FDT:          "),
    ("compatible", "Compatible:   "),
    ("fpga", "FPGA:         "),
    ("loadables", "Loadables:    "),
];

fn describe_configurations(out: &mut String, index: &Index<'_>) {
    let Some(configurations) = index.below("configurations") else {
        return;
    };
    let mut nodes = index.nodes.iter();
    let parent = nodes.find(|node| node.depth == 1 && node.name == "configurations");
    if let Some(default) = parent.and_then(|parent| parent.text("default")) {
        let _ = writeln!(out, "    Default Configuration: '{default}'");
    }
    for (count, configuration) in configurations.iter().enumerate() {
        let [node, inner @ ..] = configuration else {
            continue;
        };
        let _ = writeln!(out, "    Configuration {count} ({})", node.name);
        line(out, "  Description:  ", node.text("description"));
        line(out, "  Kernel:       ", node.text("kernel"));
        for (property, title) in PARTS {
            let value = node.property(property).and_then(as_strings);
            let mut title = *title;
            for part in value.iter().flat_map(|value| value.split('\0')) {
                let _ = writeln!(out, "     {title:<14}{part}");
                title = "";
            }
        }
        inner.iter().for_each(|node| describe_hash(out, node));
    }
}

/// Computes the hashes of an image and compares them; tells whether all are right.
fn check_hashes(out: &mut String, count: usize, image: &[Node<'_>]) -> bool {
    let [node, inner @ ..] = image else {
        return true;
    };
    let _ = write!(out, "   Hash(es) for Image {count} ({}): ", node.name);
    for hash in inner.iter().filter(|node| node.name.starts_with("hash")) {
        if let Err(what) = check_hash(out, hash, node.property("data")) {
            let _ = writeln!(
                out,
                " error!\n{what} for '{}' hash node in '{}' image node",
                hash.name, node.name
            );
            return false;
        }
        out.push_str("+ ");
    }
    out.push('\n');
    true
}

fn check_hash(out: &mut String, node: &Node<'_>, data: Option<&[u8]>) -> Result<(), &'static str> {
    let name = node.text("algo").ok_or("Can't get hash algo property")?;
    out.push_str(name);
    let value = node
        .property("value")
        .ok_or("Can't get hash value property")?;
    let algorithm = Algorithm::find(name).ok_or("Unsupported hash algorithm")?;
    if value.len() != algorithm.size() {
        return Err("Bad hash value len");
    }
    let mut state = algorithm.start();
    state.update(data.ok_or("Can't get image data/size")?);
    if state.finish().bytes() == value {
        Ok(())
    } else {
        Err("Bad hash value")
    }
}
