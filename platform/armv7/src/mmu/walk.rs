//! Reads tables back: what is mapped, and how.

use platform_api::{Mapping, PhysAddr, PhysRange};

use super::descriptor;

/// Addresses an entry of each level covers.
const SPANS: [u64; 3] = [1 << 30, 1 << 21, 1 << 12];

/// Joins neighbours that are mapped in the same way.
struct Runs<'r> {
    open: Option<Mapping>,
    row: &'r mut dyn FnMut(Mapping),
}

impl Runs<'_> {
    fn add(&mut self, next: Mapping) {
        if let Some(open) = &mut self.open {
            let same = Mapping {
                range: next.range,
                ..*open
            } == next;
            if same && open.range.end() == next.range.start() {
                if let Some(joined) = PhysRange::new(open.range.start(), next.range.end()) {
                    open.range = joined;
                }
                return;
            }
            (self.row)(*open);
        }
        self.open = Some(next);
    }
}

/// Walks the tables at `root`, a level-1 table of four entries, and tells what they map, upwards.
/// `entry` reads the descriptor at a physical address.
pub fn walk(root: u64, entry: &dyn Fn(u64) -> u64, row: &mut dyn FnMut(Mapping)) {
    let mut runs = Runs { open: None, row };
    for index in 0..4 {
        visit(
            entry(root + 8 * index),
            0,
            index * SPANS[0],
            entry,
            &mut runs,
        );
    }
    if let Some(open) = runs.open {
        (runs.row)(open);
    }
}

/// Visits what a descriptor of a level says about the addresses from `at` on.
fn visit(bits: u64, level: usize, at: u64, entry: &dyn Fn(u64) -> u64, runs: &mut Runs<'_>) {
    let span = SPANS.get(level).copied().unwrap_or(0);
    // At level 3 the same bits say "page".
    if level < 2 && descriptor::is_table(bits) {
        let below = SPANS.get(level + 1).copied().unwrap_or(0);
        for index in 0..512 {
            let next = entry(descriptor::address(bits) + 8 * index);
            visit(next, level + 1, at + below * index, entry, runs);
        }
    } else if descriptor::is_valid(bits) {
        let range = PhysRange::from_size(PhysAddr::new(at), span).unwrap_or_default();
        runs.add(descriptor::mapping(bits, range));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Access, Mapper, Regime, Table};
    use super::*;

    #[test]
    fn what_was_mapped_is_read_back() {
        for regime in [Regime::Hyp, Regime::Pl1] {
            let mut tables = vec![Table::EMPTY; 8];
            let base = 0x10_0000_u64;
            let range =
                |start, end| PhysRange::new(PhysAddr::new(start), PhysAddr::new(end)).unwrap();
            let mut mapper = Mapper::new(&mut tables, PhysAddr::new(base), regime);
            mapper
                .map(range(0x4000_0000, 0x8000_0000), Access::Data)
                .unwrap();
            mapper
                .map(range(0x5000_0000, 0x5000_3000), Access::Text)
                .unwrap();
            mapper
                .map(range(0x5000_3000, 0x5000_4000), Access::Rodata)
                .unwrap();
            mapper.unmap(range(0x5000_8000, 0x5000_9000)).unwrap();
            mapper
                .map(range(0x0900_0000, 0x0900_1000), Access::Device)
                .unwrap();

            // SAFETY-free view of the tables' bytes: through the words they are made of.
            let words: Vec<u64> = tables.iter().flat_map(Table::words).collect();
            let entry = |address: u64| words[usize::try_from((address - base) / 8).unwrap()];
            let mut found = Vec::new();
            walk(base, &entry, &mut |m| {
                let (start, end) = (m.range.start().as_u64(), m.range.end().as_u64());
                found.push((start, end, m.write, m.execute, m.device));
            });
            assert_eq!(
                found,
                [
                    (0x0900_0000, 0x0900_1000, true, false, true),
                    (0x4000_0000, 0x5000_0000, true, false, false),
                    (0x5000_0000, 0x5000_3000, false, true, false),
                    (0x5000_3000, 0x5000_4000, false, false, false),
                    (0x5000_4000, 0x5000_8000, true, false, false),
                    (0x5000_9000, 0x8000_0000, true, false, false),
                ]
            );
        }
    }
}
