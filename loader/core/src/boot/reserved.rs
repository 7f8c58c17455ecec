//! What a tree keeps for others. The tree that will be handed over decides, and it may be
//! another than the one the memory map was made from: `fdt` edits it, `bootz` may be given one.

use alloc::{string::String, vec::Vec};

use platform_api::{PhysAddr, PhysRange};

use super::Claim;
use crate::devicetree::{Cells, NodeId, WorkingTree, cell, number};

/// Bytes a spin-table's release address is kept with.
const RELEASE_SIZE: u64 = 8;

/// Lists the tree's /memreserve/ entries, the static nodes of /reserved-memory and the release
/// addresses of its CPUs (Devicetree Specification 0.4, sections 5.3, 3.5 and 3.8.1).
pub(super) fn reserved_by(tree: &WorkingTree) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut add = |start: u64, size: u64, owner: &str| {
        let range = PhysRange::from_size(PhysAddr::new(start), size);
        if let Some(range) = range.filter(|range| !range.is_empty()) {
            let owner = String::from(owner);
            claims.push(Claim { range, owner });
        }
    };
    for (start, size) in tree.reservations() {
        add(*start, *size, "memreserve");
    }
    if let Some(parent) = tree.find("/reserved-memory") {
        // The binding requires both; section 2.3.5 has the defaults.
        let default = Cells::default();
        let cells = |name, default| {
            tree.property(parent, name)
                .and_then(cell)
                .unwrap_or(default)
        };
        let cells = Cells {
            address: cells("#address-cells", default.address),
            size: cells("#size-cells", default.size),
        };
        let enabled = |node: &NodeId| {
            let status = tree.text(*node, "status");
            status.is_none_or(|status| status == "okay" || status == "ok")
        };
        for node in tree.children(parent).filter(enabled) {
            let reg = tree.property(node, "reg").unwrap_or_default();
            for range in cells.ranges(reg).flatten() {
                add(range.start().as_u64(), range.size(), tree.name(node));
            }
        }
    }
    if let Some(cpus) = tree.find("/cpus") {
        for cpu in tree.children(cpus) {
            if let Some(start) = tree.property(cpu, "cpu-release-addr").and_then(number) {
                add(start, RELEASE_SIZE, "cpu-release-addr");
            }
        }
    }
    claims
}
