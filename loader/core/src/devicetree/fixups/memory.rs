//! /memory from what we know. Nodes that say the same stay as they are, in whatever form;
//! otherwise one node gets all banks and the others go.

use alloc::{format, vec::Vec};

use super::{
    super::{
        Cells, NodeId,
        early::{is_enabled, is_memory},
        read::insert_bank,
    },
    CellBuffer, FixupFacts, TreeError, WorkingTree,
};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let cells = tree.cells(tree.root());
    let nodes = memory_nodes(tree);
    if facts.memory.is_empty() || told(tree, &nodes, cells) == facts.memory {
        return Ok(());
    }
    let mut reg = Vec::with_capacity(facts.memory.len() * 16);
    for bank in facts.memory {
        reg.extend_from_slice(CellBuffer::new(bank.start().as_u64(), cells.address)?.bytes());
        reg.extend_from_slice(CellBuffer::new(bank.size(), cells.size)?.bytes());
    }
    let mut nodes = nodes.into_iter();
    let node = match nodes.next() {
        Some(node) => node,
        None => make_node(tree, facts)?,
    };
    for other in nodes {
        tree.remove_node(other)?;
    }
    tree.remove_property(node, "linux,usable-memory");
    tree.set_property(node, "reg", &reg)
}

fn make_node(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<NodeId, TreeError> {
    let start = facts.memory.first().map_or(0, |bank| bank.start().as_u64());
    let node = tree.make_node(tree.root(), &format!("memory@{start:x}"))?;
    tree.set_property(node, "device_type", b"memory\0")?;
    Ok(node)
}

fn memory_nodes(tree: &WorkingTree) -> Vec<NodeId> {
    tree.children(tree.root())
        .filter(|&node| {
            is_memory(
                tree.name(node).as_bytes(),
                tree.property(node, "device_type"),
            ) && tree.property(node, "status").is_none_or(is_enabled)
        })
        .collect()
}

/// The banks as the tree has them now.
fn told(tree: &WorkingTree, nodes: &[NodeId], cells: Cells) -> Vec<platform_api::PhysRange> {
    let mut banks = Vec::new();
    for &node in nodes {
        let reg = tree
            .property(node, "linux,usable-memory")
            .or(tree.property(node, "reg"));
        for bank in cells.ranges(reg.unwrap_or_default()).flatten() {
            if !bank.is_empty() {
                insert_bank(&mut banks, bank);
            }
        }
    }
    banks
}
