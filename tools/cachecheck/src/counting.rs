//! What QEMU is asked for when it only counts.

use std::ffi::c_void;

use qemu_plugin::{
    PluginId,
    sys::{self, qemu_plugin_cb_flags, qemu_plugin_mem_rw, qemu_plugin_meminfo_t, qemu_plugin_tb},
};

use crate::count;

/// Installs the callbacks if the arguments ask for counts.
///
/// # Errors
/// As [`count::plan`].
pub fn install(id: PluginId, arguments: &[String]) -> Result<bool, String> {
    if !count::plan(arguments)? {
        return Ok(false);
    }
    // SAFETY: called while QEMU installs the plugin, with a function that lives as long as it.
    unsafe { sys::qemu_plugin_register_vcpu_tb_trans_cb(id, Some(translated)) };
    Ok(true)
}

unsafe extern "C" fn instruction(_: u32, _: *mut c_void) {
    count::instruction();
}

unsafe extern "C" fn mark(_: u32, address: *mut c_void) {
    count::mark(address as usize as u64);
}

unsafe extern "C" fn access(_: u32, info: qemu_plugin_meminfo_t, address: u64, _: *mut c_void) {
    // SAFETY: in a memory callback, with its own arguments.
    let physical = unsafe {
        let found = sys::qemu_plugin_get_hwaddr(info, address);
        if found.is_null() || !sys::qemu_plugin_hwaddr_is_io(found) {
            return;
        }
        sys::qemu_plugin_hwaddr_phys_addr(found)
    };
    count::device(physical);
}

unsafe extern "C" fn translated(_: PluginId, tb: *mut qemu_plugin_tb) {
    const NO_REGISTERS: qemu_plugin_cb_flags = qemu_plugin_cb_flags::QEMU_PLUGIN_CB_NO_REGS;
    let none = std::ptr::null_mut();
    // SAFETY: in the translation callback, with its own block and that one's instructions.
    unsafe {
        for i in 0..sys::qemu_plugin_tb_n_insns(tb) {
            let insn = sys::qemu_plugin_tb_get_insn(tb, i);
            let address = sys::qemu_plugin_insn_vaddr(insn);
            // What is executed before a mark: the mark itself is not.
            if count::is_mark(address) {
                let address = address as usize as *mut c_void;
                sys::qemu_plugin_register_vcpu_insn_exec_cb(
                    insn,
                    Some(mark),
                    NO_REGISTERS,
                    address,
                );
            }
            sys::qemu_plugin_register_vcpu_insn_exec_cb(
                insn,
                Some(instruction),
                NO_REGISTERS,
                none,
            );
            sys::qemu_plugin_register_vcpu_mem_cb(
                insn,
                Some(access),
                NO_REGISTERS,
                qemu_plugin_mem_rw::QEMU_PLUGIN_MEM_RW,
                none,
            );
        }
    }
}
