//! In HYP: everything a live hypervisor would have on, left on.
#![expect(
    clippy::cast_possible_truncation,
    reason = "the halves of 64-bit registers"
)]

use core::arch::{asm, global_asm};
use core::ffi::c_void;
use core::ptr;

use payload_runtime::report;
use report_format::Line;

use super::gic;
use super::plan::{Place, Plan, Way};
use super::registers::{mcr, mcrr, mrc};

global_asm!(include_str!("leave.S"));

unsafe extern "C" {
    static stub_vectors: u8;
    static old_stub_vectors: u8;
    static none_vectors: u8;
    /// leave.S: enters an image in HYP, big-endian.
    fn leave_from_hyp(image: u32, tree: u32) -> !;
    /// leave.S: goes to SVC, loads a stale translation, and enters an image there.
    fn leave_from_svc(image: u32, tree: u32, touched: u32, descriptor: *mut u64, good: u32) -> !;
}

/// MAIR0 and HMAIR0: attribute 0 write-back, 1 Device.
const MAIR0: u32 = 0x04ff;
/// HTCR and VTCR: walks write-back, inner shareable; bits 31 and 23 should be one.
const WALKS: u32 = 1 << 8 | 1 << 10 | 3 << 12;
const SHOULD_BE_ONE: u32 = 1 << 31 | 1 << 23;
/// VTCR: starts at level 1; bit 31 should be one.
const STAGE2: u32 = 1 << 31 | 1 << 6 | WALKS;
/// TTBCR: long descriptors.
const LONG: u32 = 1 << 31;
/// HSCTLR and SCTLR with MMU, caches and alignment checks on.
const HSCTLR_ON: u32 = 0x30c5_0878 | 1 << 12 | 1 << 2 | 1 << 1 | 1;
const SCTLR_ON: u32 = 0x00c5_0878 | 1 << 12 | 1 << 2 | 1;
/// HSCTLR off, but as a big-endian Thumb hypervisor leaves it: TE, EE, A.
const HSCTLR_OFF: u32 = 0x30c5_0878 | 1 << 30 | 1 << 25 | 1 << 1;
/// PL1's likewise, and with MMU and caches on by tables that are gone.
const SCTLR_LEFT: u32 = SCTLR_ON | 1 << 30 | 1 << 25;
/// HCR: stage 2, interrupts routed here, virtual ones and an abort pending, and everything
/// trapped that can be; TGE.
const HCR_ALL: u32 = 0x0fff_f1fb & !(1 << 12);
/// HCR under a guest that is not to notice: stage 2 and the routing.
const HCR_GUEST: u32 = 1 << 5 | 1 << 4 | 1 << 3 | 1;
/// A byte and a word to leave in dirty lines.
const DIRT: u32 = 0x5a5a_a5a5;

/// Squats, and leaves for the loader.
///
/// # Safety
/// Called in HYP with a [`Plan`], on a stack of its own.
pub unsafe extern "C" fn occupy(plan: *const c_void) -> ! {
    // SAFETY: the caller's word: `plan` is a Plan and outlives this. Every register is HYP's or
    // PL1's, written in HYP; the tables map everything that is used to itself; what is left
    // behind is what this payload is for.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        let roots = (*plan.tables).roots();
        translate(plan, roots);
        arm_timers();
        if let Some(gic) = plan.gic
            && !gic::leave_active(gic)
        {
            say("no interrupt came to be left active");
        }
        dirty(plan);
        let (image, tree) = if matches!(plan.way, Way::Hyp | Way::Svc) {
            copy(plan)
        } else {
            (plan.image.start, plan.tree.start)
        };
        stage2(roots, plan.way);
        pl1(roots, plan.way);
        if plan.way.is_guest() {
            leave_for_svc(plan, image, tree);
        }
        if plan.way == Way::Off {
            mcr!("4", "c1", "c0", "0", HSCTLR_OFF);
            asm!("isb");
        }
        leave_from_hyp(image, tree)
    }
}

unsafe fn leave_for_svc(plan: &Plan, image: u32, tree: u32) -> ! {
    let vectors = match plan.way {
        Way::SvcOld => &raw const old_stub_vectors,
        Way::SvcNone => &raw const none_vectors,
        _ => &raw const stub_vectors,
    };
    // SAFETY: `occupy`'s; the tables are ours.
    unsafe {
        mcr!("4", "c12", "c0", "0", vectors); // HVBAR
        let descriptor = (*plan.tables).pl1_block(plan.home);
        let good = descriptor.read_volatile() as u32;
        let wrong = u64::from(good ^ 2 << 20);
        if plan.way == Way::Svc {
            descriptor.write_volatile(wrong);
        }
        asm!("dsb", "isb");
        leave_from_svc(image, tree, plan.home, descriptor, good)
    }
}

fn say(text: &str) {
    report::print(Line::Info {
        name: "squat",
        text,
    });
    report::console().drain();
}

/// Turns HYP's MMU and caches on, and leaves a translation in its TLB that the tables no longer
/// have: the two blocks of the loader's home-to-be, crossed.
unsafe fn translate(plan: &Plan, [root, ..]: [u64; 3]) {
    // SAFETY: `occupy`'s.
    unsafe {
        let block = (*plan.tables).hyp_block(plan.home);
        let (low, high) = (block, block.add(1));
        let good = [low.read_volatile(), high.read_volatile()];
        low.write_volatile(good[1]);
        high.write_volatile(good[0]);
        mcr!("4", "c10", "c2", "0", MAIR0);
        mcr!("4", "c2", "c0", "2", SHOULD_BE_ONE | WALKS);
        mcrr!("4", "c2", root);
        asm!("dsb", "isb");
        mcr!("4", "c8", "c7", "0", 0_u32); // TLBIALLH: what was there before us
        asm!("dsb", "isb");
        mcr!("4", "c1", "c0", "0", HSCTLR_ON);
        asm!("isb");
        ptr::read_volatile(plan.home as *const u32);
        ptr::read_volatile((plan.home + (2 << 20)) as *const u32);
        low.write_volatile(good[0]);
        high.write_volatile(good[1]);
        asm!("dsb");
    }
}

/// Arms three timers, to expire at once.
unsafe fn arm_timers() {
    // SAFETY: `occupy`'s; interrupts are masked.
    unsafe {
        mcr!("4", "c14", "c2", "0", 1_u32); // CNTHP_TVAL
        mcr!("4", "c14", "c2", "1", 1_u32); // CNTHP_CTL
        mcr!("0", "c14", "c2", "0", 1_u32); // CNTP_TVAL
        mcr!("0", "c14", "c2", "1", 1_u32);
        mcr!("0", "c14", "c3", "0", 1_u32); // CNTV_TVAL
        mcr!("0", "c14", "c3", "1", 1_u32);
    }
}

/// Writes a word into every line of free memory where the loader will write with its caches off,
/// or have a device write.
unsafe fn dirty(plan: &Plan) {
    let busy = [plan.image, plan.tree];
    for window in plan.dirty {
        for address in (window.start..window.end()).step_by(64) {
            let hit = |place: &Place| (place.start & !63..place.end()).contains(&address);
            // SAFETY: RAM, and neither the loader's image nor its tree; this payload lies below
            // all windows (it is entered near the start of RAM).
            unsafe {
                if !busy.iter().any(hit) {
                    (address as *mut u32).write_volatile(DIRT);
                }
            }
        }
    }
}

/// Copies the loader and its tree through the cache: memory has neither.
unsafe fn copy(plan: &Plan) -> (u32, u32) {
    let tree = (plan.copy + plan.image.size).next_multiple_of(4096);
    for (from, to) in [(plan.image, plan.copy), (plan.tree, tree)] {
        // SAFETY: `Plan` chose free RAM behind the image.
        unsafe {
            ptr::copy_nonoverlapping(from.start as *const u8, to as *mut u8, from.size as usize);
        }
    }
    (plan.copy, tree)
}

/// Turns stage 2 and every trap on; offsets time; lies about the processor.
unsafe fn stage2([_, root, _]: [u64; 3], way: Way) {
    // SAFETY: `occupy`'s.
    unsafe {
        mcr!("4", "c2", "c1", "2", STAGE2); // VTCR
        mcrr!("6", "c2", root | 7 << 48); // VTTBR
        if way != Way::SvcNone {
            mcr!("4", "c0", "c0", "0", 0x410f_c075_u32); // VPIDR
            mcr!("4", "c0", "c0", "5", 0x8000_0003_u32); // VMPIDR
        }
        mcrr!("4", "c14", 0x1234_5678_9abc_u64); // CNTVOFF
        mcr!("4", "c13", "c0", "2", DIRT); // HTPIDR
        if way.is_guest() {
            mcr!("4", "c1", "c1", "0", HCR_GUEST);
        } else {
            mcr!("4", "c14", "c1", "0", 0_u32); // CNTHCTL: PL1 may use nothing
            mcr!("4", "c1", "c1", "2", 0x8010_bfff_u32); // HCPTR
            mcr!("4", "c1", "c1", "3", 0x0003_be0f_u32); // HSTR
            mcr!("4", "c1", "c1", "1", mrc!("4", "c1", "c1", "1") | 0xf60); // HDCR
            mcr!("4", "c1", "c1", "0", HCR_ALL);
        }
        asm!("dsb", "isb");
    }
}

/// Leaves PL1 as a kernel that was stopped in the middle.
unsafe fn pl1([.., root]: [u64; 3], way: Way) {
    // SAFETY: `occupy`'s; PL1 runs nothing now but what leave.S enters, which the tables map to
    // itself.
    unsafe {
        mcr!("0", "c10", "c2", "0", MAIR0);
        mcr!("0", "c2", "c0", "2", LONG | WALKS); // TTBCR
        mcrr!("0", "c2", root); // TTBR0
        mcrr!("1", "c2", 0x5a5a_5000_u64); // TTBR1
        mcr!("0", "c13", "c0", "1", DIRT); // CONTEXTIDR
        mcr!("0", "c13", "c0", "4", DIRT); // TPIDRPRW
        mcr!("0", "c12", "c0", "0", 0xffff_0000_u32); // VBAR
        let control = match way {
            Way::Hyp | Way::Off => SCTLR_LEFT,
            Way::Svc => SCTLR_ON,
            Way::SvcOld | Way::SvcNone => 0x00c5_0878,
        };
        mcr!("0", "c1", "c0", "0", control);
        asm!("isb");
    }
}
