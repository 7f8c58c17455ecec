//! An initrd that the tree names: whose it is, and whether it can stay.

use platform_api::{MemoryError, PhysAddr, PhysRange, PhysicalMemory};

use super::{Direction, FIRST_STAGE_INITRD, MemoryMap, Search, home::LOW_MEMORY_BYTES};

/// What kexec-tools aligns to.
const PAGE: u64 = 4096;
/// The start of RAM, that a kernel inflates itself over and is put into before: 60 MiB are more
/// than the largest kernels of distributions take.
const KERNELS: u64 = 64 << 20;
/// From here on initrds go where there is so much RAM: as [`super::place`] has it.
const ABOVE: u64 = 128 << 20;

/// Tells whether the `initrd` that the `tree` names is that of the kernel which called kexec.
///
/// Without `--initrd` kexec-tools hands on the tree as that kernel was given it, and the kernel has
/// freed that memory long ago. With it, kexec-tools puts the tree into the first page that the
/// initrd leaves free (its `kexec-zImage-arm.c`): that is how the two are told apart.
pub fn is_left_behind(initrd: PhysRange, tree: PhysRange) -> bool {
    let behind = initrd.end().align_down(PAGE).checked_add(PAGE);
    behind != Some(tree.start())
}

/// Keeps the map's initrd, moved first if it lies where the kernel must go: before anybody knows
/// its address. `tree` is where the first stage's tree lies.
pub fn settle(map: &mut MemoryMap, memory: &mut dyn PhysicalMemory, tree: PhysRange) {
    let Some(initrd) = map.initrd else {
        return;
    };
    let place = better_place(map, initrd, tree);
    // What cannot be moved stays, and the boot says what is wrong with that.
    let moved = place.filter(|place| copy(memory, initrd, *place).is_ok());
    let initrd = moved.unwrap_or(initrd);
    memory.keep(initrd, FIRST_STAGE_INITRD);
    map.initrd = Some(initrd);
}

/// Finds a place for an initrd that lies where the kernel must go, as kexec-tools put it: right
/// behind us. `None` if it can stay, or there is no better place.
fn better_place(map: &MemoryMap, initrd: PhysRange, tree: PhysRange) -> Option<PhysRange> {
    let mut ledger = map.ledger();
    for range in [initrd, tree] {
        ledger.rule_out(range, "taken");
    }
    let base = ledger.ram().first()?.start();
    if initrd.start() >= base.checked_add(KERNELS)? {
        return None;
    }
    let limit = base
        .checked_add(LOW_MEMORY_BYTES)?
        .min(PhysAddr::new(1 << 32));
    let find = |above, direction| {
        ledger.find(Search {
            size: initrd.size(),
            alignment: PAGE,
            window: PhysRange::new(base.checked_add(above)?, limit)?,
            direction,
        })
    };
    find(ABOVE, Direction::BottomUp).or_else(|| find(KERNELS, Direction::TopDown))
}

/// Copies `from` to `to`, which is as long and does not overlap it.
///
/// # Errors
/// One of them is not granted. What was at `from` is still there.
fn copy(
    memory: &mut dyn PhysicalMemory,
    from: PhysRange,
    to: PhysRange,
) -> Result<(), MemoryError> {
    let mut buffer = [0; PAGE as usize];
    let mut done = 0;
    while done < from.size() {
        let length = PAGE.min(from.size() - done);
        let part = |whole: PhysRange| {
            let start = whole.start().checked_add(done);
            start.and_then(|start| PhysRange::from_size(start, length))
        };
        let (Some(source), Some(target)) = (part(from), part(to)) else {
            return Err(MemoryError::NotRam(to));
        };
        let bytes = memory.bytes(source)?;
        let buffer = buffer.get_mut(..bytes.len()).unwrap_or_default();
        buffer.copy_from_slice(bytes);
        memory.bytes_mut(target)?.copy_from_slice(buffer);
        done += length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use platform_fake::FakeMemory;

    use super::*;
    use crate::boot::{Claim, testing::range};

    fn map(mib: u64) -> MemoryMap {
        let ram = range(0x4000_0000, mib << 20);
        let home = Claim {
            range: PhysRange::new(ram.end().checked_sub(4 << 20).unwrap(), ram.end()).unwrap(),
            owner: "Baton".into(),
        };
        MemoryMap::new(vec![ram], Vec::new(), vec![home])
    }

    #[test]
    fn an_initrd_goes_out_of_the_kernels_way() {
        let low = range(0x400b_8000, 0x23_c7f8);
        let none = PhysRange::default();
        let to = |mib, initrd, tree: PhysRange| {
            better_place(&map(mib), initrd, tree).map(|to| (to.start().as_u64(), to.size()))
        };
        assert_eq!(to(512, low, none), Some((0x4800_0000, 0x23_c7f8)));
        let tree = range(0x4800_0000, 0x1001);
        assert_eq!(to(512, low, tree), Some((0x4800_2000, 0x23_c7f8)));
        // Below the loader, where there is no more than that.
        assert_eq!(to(128, low, none), Some((0x479c_3000, 0x23_c7f8)));
        // No room; and it is out of the way already.
        assert_eq!(to(64, low, none), None);
        assert_eq!(to(512, range(0x4400_0000, 0x1000), none), None);
        assert_eq!(to(512, range(0x4800_0000, 0x1000), none), None);
    }

    #[test]
    fn it_is_moved_and_kept() {
        let mut memory = FakeMemory::new(0x4000_0000, 256 << 20);
        memory.fill(0x4010_0000, b"an initrd");
        let mut map = map(256);
        map.initrd = Some(range(0x4010_0000, 9));
        settle(&mut map, &mut memory, range(0x4020_0000, 0x1000));
        let moved = range(0x4800_0000, 9);
        assert_eq!(map.initrd, Some(moved));
        assert_eq!(memory.bytes(moved).unwrap(), b"an initrd");
        assert!(memory.bytes_mut(moved).is_err());
        assert!(memory.bytes_mut(range(0x4010_0000, 9)).is_ok());
    }

    #[test]
    fn every_byte_is_copied() {
        let mut memory = FakeMemory::new(0x4000_0000, 1 << 20);
        let bytes: Vec<u8> = (0..10_001_u32).map(|at| (at % 251) as u8).collect();
        memory.fill(0x4000_0100, &bytes);
        let (from, to) = (range(0x4000_0100, 10_001), range(0x4008_0000, 10_001));
        copy(&mut memory, from, to).unwrap();
        assert_eq!(memory.bytes(to).unwrap(), bytes);
        assert_eq!(memory.bytes(range(0x4008_2711, 1)).unwrap(), [0]);
        let outside = range(0x400f_f000, 10_001);
        assert!(copy(&mut memory, from, outside).is_err());
    }

    #[test]
    fn what_kexec_loaded_is_right_below_the_tree() {
        let tree = range(0x4019_0000, 0x3000);
        for size in [0xd_7000, 0xd_7001, 0xd_7d26, 0xd_7fff] {
            assert!(!is_left_behind(range(0x400b_8000, size), tree), "{size:x}");
        }
        for size in [1, 0xd_6fff, 0xd_8000] {
            assert!(is_left_behind(range(0x400b_8000, size), tree), "{size:x}");
        }
        assert!(is_left_behind(range(0x4800_0000, 0x23_c7f8), tree));
        let top = PhysRange::new(PhysAddr::new(0), PhysAddr::new(u64::MAX));
        assert!(is_left_behind(top.unwrap(), tree));
    }
}
