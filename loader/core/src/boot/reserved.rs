//! What a tree keeps for others. The tree that will be handed over decides, and it may be
//! another than the one the memory map was made from: `fdt` edits it, `bootz` may be given one.

use alloc::{string::String, vec::Vec};

use platform_api::{PhysAddr, PhysRange};

use super::{Claim, MEMRESERVE};
use crate::devicetree::{NodeId, WorkingTree, number};

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
        add(*start, *size, MEMRESERVE);
    }
    if let Some(parent) = tree.find("/reserved-memory") {
        // The binding requires both; section 2.3.5 has the defaults.
        let cells = tree.cells(parent);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::{Board, range, tree};

    fn cells(numbers: &[u64]) -> Vec<u8> {
        numbers.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn reserving() -> WorkingTree {
        let mut tree = tree();
        let root = tree.root();
        tree.add_reservation(0x4000_0000, 0x1000);
        let parent = tree.make_node(root, "reserved-memory").unwrap();
        for name in ["#address-cells", "#size-cells"] {
            tree.set_property(parent, name, &[0, 0, 0, 2]).unwrap();
        }
        for (name, reg, status) in [
            (
                "tee@4e000000",
                &[0x4e00_0000, 0x10_0000, 0x4f00_0000, 0x1000][..],
                None,
            ),
            (
                "off@45000000",
                &[0x4500_0000, 0x1000],
                Some(&b"disabled\0"[..]),
            ),
            ("pool", &[], None),
        ] {
            let node = tree.make_node(parent, name).unwrap();
            tree.set_property(node, "reg", &cells(reg)).unwrap();
            if let Some(status) = status {
                tree.set_property(node, "status", status).unwrap();
            }
        }
        let cpus = tree.make_node(root, "cpus").unwrap();
        let cpu = tree.make_node(cpus, "cpu@1").unwrap();
        let release = cells(&[0x4400_0000]);
        tree.set_property(cpu, "cpu-release-addr", &release)
            .unwrap();
        tree
    }

    #[test]
    fn lists_entries_nodes_and_release_addresses() {
        let found: Vec<(PhysRange, String)> = reserved_by(&reserving())
            .into_iter()
            .map(|claim| (claim.range, claim.owner))
            .collect();
        let expected = [
            (range(0x4000_0000, 0x1000), "memreserve"),
            (range(0x4e00_0000, 0x10_0000), "tee@4e000000"),
            (range(0x4f00_0000, 0x1000), "tee@4e000000"),
            (range(0x4400_0000, 8), "cpu-release-addr"),
        ];
        assert_eq!(found, expected.map(|(range, owner)| (range, owner.into())));
        assert!(reserved_by(&tree()).is_empty());
    }

    #[test]
    fn edits_of_the_working_tree_count() {
        let mut board = Board::new(&[]);
        board.tree = Some(reserving());
        let refusal = board.refuses("bootz 44000000");
        assert!(refusal.contains("no zImage"), "{refusal}");
        let image = crate::boot::testing::zimage(0x10_0000, 0x40_0000, 0x8000);
        board.memory.fill(0x43f8_0000, &image);
        let refusal = board.refuses("bootz 43f80000");
        assert!(
            refusal.contains("cpu-release-addr at [0x44000000-0x44000007]"),
            "{refusal}"
        );
    }
}
