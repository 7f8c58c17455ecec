//! Whose an initrd is that the tree names.

use platform_api::PhysRange;

/// What kexec-tools aligns to.
const PAGE: u64 = 4096;

/// Tells whether the `initrd` that the `tree` names is that of the kernel which called kexec.
///
/// Without `--initrd` kexec-tools hands on the tree as that kernel was given it, and the kernel has
/// freed that memory long ago. With it, kexec-tools puts the tree into the first page that the
/// initrd leaves free (its `kexec-zImage-arm.c`): that is how the two are told apart.
pub fn is_left_behind(initrd: PhysRange, tree: PhysRange) -> bool {
    let behind = initrd.end().align_down(PAGE).checked_add(PAGE);
    behind != Some(tree.start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::range;

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
        let top = PhysRange::new(
            platform_api::PhysAddr::new(0),
            platform_api::PhysAddr::new(u64::MAX),
        );
        assert!(is_left_behind(top.unwrap(), tree));
    }
}
