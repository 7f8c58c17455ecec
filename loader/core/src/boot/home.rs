//! Where the loader lives: at the top of low memory, out of everybody's way.

use platform_api::{PhysAddr, PhysRange};

/// Bytes from the start of RAM that 32-bit Linux maps for itself with its default 240 MiB of
/// vmalloc space (Documentation/arch/arm/memory.rst): what is placed higher it may not reach.
pub const LOW_MEMORY_BYTES: u64 = 0x2f80_0000;

/// What the home is aligned to: a page-table block, so that few tables describe it.
pub const HOME_ALIGNMENT: u64 = 2 << 20;

/// What a home in place ends at a multiple of.
const PAGE: u64 = 4096;

/// Finds the highest `size` bytes of low memory that nobody in `taken` owns.
///
/// Returns `None` if there is no room: then the loader stays where it was put.
pub fn choose_home<'a>(
    ram: &[PhysRange],
    taken: impl Iterator<Item = &'a PhysRange> + Clone,
    size: u64,
) -> Option<PhysAddr> {
    let base = ram.iter().map(|bank| bank.start()).min()?;
    let limit = base.checked_add(LOW_MEMORY_BYTES)?;
    ram.iter()
        .filter_map(|bank| highest_in(*bank, limit, taken.clone(), size))
        .max()
}

/// Returns the memory of a home that stays where the image is: from its first byte up to `size`
/// bytes, the end of the bank or the next of `taken`, whichever comes first.
///
/// `None` if the image itself, `own`, does not lie in RAM, or overlaps something.
pub fn stay_home<'a>(
    ram: &[PhysRange],
    taken: impl Iterator<Item = &'a PhysRange> + Clone,
    own: PhysRange,
    size: u64,
) -> Option<PhysRange> {
    let bank = ram.iter().find(|bank| bank.contains_range(own))?;
    let end = taken
        .filter(|range| !range.is_empty() && range.end() > own.start())
        .map(|range| range.start())
        .chain([bank.end(), own.start().checked_add(size)?])
        .min()?
        .align_down(PAGE);
    PhysRange::new(own.start(), end).filter(|home| home.contains_range(own))
}

fn highest_in<'a>(
    bank: PhysRange,
    limit: PhysAddr,
    taken: impl Iterator<Item = &'a PhysRange> + Clone,
    size: u64,
) -> Option<PhysAddr> {
    let mut end = bank.end().min(limit);
    loop {
        let start = end.checked_sub(size)?.align_down(HOME_ALIGNMENT);
        let candidate = PhysRange::from_size(start, size)?;
        if start < bank.start() {
            return None;
        }
        match taken.clone().find(|range| range.overlaps(candidate)) {
            // Each turn ends below an owner's start, so the search ends.
            Some(owner) => end = owner.start(),
            None => return Some(start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn range(start: u64, size: u64) -> PhysRange {
        PhysRange::from_size(PhysAddr::new(start), size).unwrap()
    }

    #[test]
    fn takes_the_top_of_low_memory() {
        let bank = range(0x4000_0000, 512 * MIB);
        assert_eq!(
            choose_home(&[bank], [].iter(), 4 * MIB),
            Some(PhysAddr::new(0x5fc0_0000))
        );
        let big = range(0x4000_0000, 2048 * MIB);
        assert_eq!(
            choose_home(&[big], [].iter(), 4 * MIB),
            Some(PhysAddr::new(0x4000_0000 + LOW_MEMORY_BYTES - 4 * MIB).align_down(2 * MIB))
        );
    }

    #[test]
    fn goes_below_what_is_taken() {
        let bank = range(0x4000_0000, 128 * MIB);
        let taken = [range(0x47f0_0000, MIB), range(0x47a0_0000, 64 << 10)];
        let home = choose_home(&[bank], taken.iter(), 4 * MIB).unwrap();
        assert_eq!(home, PhysAddr::new(0x4760_0000));
    }

    #[test]
    fn says_when_there_is_no_room() {
        let bank = range(0x4000_0000, 8 * MIB);
        let taken = [range(0x4030_0000, 3 * MIB)];
        assert_eq!(choose_home(&[bank], taken.iter(), 4 * MIB), None);
        assert_eq!(choose_home(&[], taken.iter(), 4 * MIB), None);
    }

    #[test]
    fn stays_clear_of_its_neighbours() {
        let bank = range(0x4000_0000, 8 * MIB);
        let own = range(0x4001_0000, 512 << 10);
        let home = |taken: &[PhysRange]| stay_home(&[bank], taken.iter(), own, 4 * MIB);
        assert_eq!(home(&[]), Some(range(0x4001_0000, 4 * MIB)));
        // Below, above, and one that is none.
        let taken = [
            range(0x4000_0000, 4096),
            range(0x4020_0800, 4096),
            PhysRange::default(),
        ];
        assert_eq!(
            home(&taken),
            PhysRange::new(own.start(), PhysAddr::new(0x4020_0000))
        );
        assert_eq!(home(&[range(0x4004_0000, 4096)]), None);
        let small = range(0x4000_0000, MIB);
        let home = stay_home(&[small], [].iter(), own, 4 * MIB);
        assert_eq!(home, PhysRange::new(own.start(), small.end()));
        assert_eq!(stay_home(&[], [].iter(), own, 4 * MIB), None);
    }

    #[test]
    fn prefers_the_higher_bank_within_reach() {
        let banks = [range(0x4000_0000, 64 * MIB), range(0x5000_0000, 64 * MIB)];
        assert_eq!(
            choose_home(&banks, [].iter(), 4 * MIB),
            Some(PhysAddr::new(0x53c0_0000))
        );
    }
}
