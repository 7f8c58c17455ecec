//! The glue to QEMU: what is looked at in each translated block, and what it tells the checker.
//!
//! A block's callbacks get the instruction's *physical* address: QEMU finds blocks by that, so one
//! block may run at several virtual addresses. It never shares a block between regimes, which is
//! why the regime is fixed when the block is translated.

use std::{
    collections::HashMap,
    ffi::{CStr, c_void},
    fs::File,
    sync::Mutex,
};

use qemu_plugin::{
    Args, HasCallbacks, Info, PluginId, Register, register,
    sys::{
        self, GByteArray, qemu_plugin_cb_flags, qemu_plugin_insn, qemu_plugin_mem_rw,
        qemu_plugin_meminfo_t, qemu_plugin_register, qemu_plugin_tb,
    },
};

use crate::{
    checker::{Checker, Place},
    counting,
    cpu::{MMU, Regime},
    instruction::{Decoded, Instruction, decode, holds},
    judge::{Entry, Handoff},
    payload::is_image,
    report::Report,
    symbols::Program,
};

unsafe extern "C" {
    fn g_byte_array_new() -> *mut GByteArray;
    fn g_byte_array_set_size(array: *mut GByteArray, length: u32) -> *mut GByteArray;
    fn g_array_free(array: *mut sys::GArray, free: i32) -> *mut u8;
}

const CPSR_THUMB: u32 = 1 << 5;
/// An address that is in no RAM.
const NOWHERE: u32 = u32::MAX;

struct Handle(*mut qemu_plugin_register);
// SAFETY: QEMU's handles are numbers in a pointer's clothes, the same for all vCPUs of a kind.
unsafe impl Send for Handle {}

struct Buffer(*mut GByteArray);
// SAFETY: only used under the lock.
unsafe impl Send for Buffer {}

struct State {
    checker: Checker,
    handoff: Option<Handoff>,
    registers: HashMap<String, Handle>,
    buffer: Option<Buffer>,
    sites: Vec<Site>,
    known: HashMap<(u32, u8, u32, bool), usize>,
    /// Judge so many handoffs and let the rest run at full speed; 0: all.
    stop_after: u32,
    id: PluginId,
    stopped: bool,
}

/// An instruction that is looked at.
#[derive(Clone, Copy)]
struct Site {
    decoded: Decoded,
    regime: Regime,
    pc: u32,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

fn with<R>(act: impl FnOnce(&mut State) -> R) -> Option<R> {
    let mut state = STATE.lock().ok()?;
    state.as_mut().filter(|state| !state.stopped).map(act)
}

struct Plugin;

impl HasCallbacks for Plugin {}

impl Register for Plugin {
    fn register_default(&mut self, id: PluginId, args: &Args, _: &Info) -> qemu_plugin::Result<()> {
        match counting::install(id, &args.raw) {
            Ok(false) => {}
            Ok(true) => return Ok(()),
            Err(error) => refuse(&error),
        }
        match State::new(id, &args.raw) {
            Ok(state) => {
                if let Ok(mut slot) = STATE.lock() {
                    *slot = Some(state);
                }
                install(id);
            }
            Err(error) => refuse(&error),
        }
        Ok(())
    }
}

fn refuse(error: &str) -> ! {
    eprintln!("cachecheck: {error}");
    std::process::exit(1);
}

register!(Plugin);

fn install(id: PluginId) {
    // SAFETY: called while QEMU installs the plugin, with functions that live as long as it.
    unsafe {
        sys::qemu_plugin_register_vcpu_init_cb(id, Some(cpu_starts));
        sys::qemu_plugin_register_vcpu_tb_trans_cb(id, Some(translated));
        sys::qemu_plugin_register_vcpu_resume_cb(id, Some(cpu_resumes));
        sys::qemu_plugin_register_atexit_cb(id, Some(ends), std::ptr::null_mut());
    }
}

impl State {
    fn new(id: PluginId, arguments: &[String]) -> Result<Self, String> {
        let (mut ram, mut out, mut programs) = (None, None, Vec::new());
        let (mut stop_after, mut devices) = (0, false);
        for argument in arguments {
            let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
            match name {
                "ram" => {
                    let number = |text: &str| u64::from_str_radix(text, 16).ok();
                    ram = value
                        .split_once(':')
                        .and_then(|(start, size)| Some((number(start)?, number(size)?)));
                }
                "out" => {
                    let file = File::create(value).map_err(|error| format!("{value}: {error}"))?;
                    out = Some(file);
                }
                "devices" => devices = true,
                "elf" => programs.push(Program::read(value)?),
                "stop-after" => {
                    stop_after = value.parse().map_err(|_| format!("stop-after={value}"))?
                }
                _ => return Err(format!("no argument {name}")),
            }
        }
        let (start, size) = ram.ok_or("ram=START:SIZE is wanted, in hexadecimal")?;
        let mut report = Report::new(out.ok_or("out=FILE is wanted")?);
        report.note(&format!("cachecheck ram {start:x}..{:x}", start + size));
        let mut checker = Checker::new(start, size, report, programs);
        checker.devices = devices;
        Ok(Self {
            checker,
            handoff: None,
            registers: HashMap::new(),
            buffer: None,
            sites: Vec::new(),
            known: HashMap::new(),
            stop_after,
            id,
            stopped: false,
        })
    }

    /// Reads a 32-bit register of the CPU that runs; 0 if there is none of that name.
    fn register(&mut self, name: &str) -> u32 {
        let Some(handle) = self.registers.get(name) else {
            return 0;
        };
        // SAFETY: glib gives an array or aborts.
        let buffer = self
            .buffer
            .get_or_insert_with(|| Buffer(unsafe { g_byte_array_new() }))
            .0;
        // SAFETY: the array is ours; the handle is QEMU's own; the callbacks that lead here run on
        // the vCPU's thread and were registered with access to registers.
        unsafe {
            g_byte_array_set_size(buffer, 0);
            let length = sys::qemu_plugin_read_register(handle.0, buffer);
            let array = *buffer;
            if length < 4 || array.len < 4 || array.data.is_null() {
                return 0;
            }
            u32::from_le_bytes(array.data.cast::<[u8; 4]>().read())
        }
    }

    fn general(&mut self, number: u8) -> u32 {
        const NAMES: [&str; 16] = [
            "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp",
            "lr", "pc",
        ];
        self.register(NAMES[usize::from(number & 15)])
    }

    fn cpu_starts(&mut self, number: usize) {
        if self.registers.is_empty() {
            self.find_registers();
        }
        let (clidr, mpidr, ctr) = (
            self.register("CLIDR"),
            // MPIDR is not among QEMU's; the identity that HYP gives starts as the real one.
            self.register("VMPIDR"),
            self.register("CTR"),
        );
        // QEMU has secure copies of the banked registers where there is a secure state.
        let has_secure = self.registers.keys().any(|name| name.ends_with("_S"));
        let cpu = self.checker.cpu(number);
        (cpu.clidr, cpu.mpidr, cpu.ctr) = (clidr, mpidr, ctr);
        cpu.secure_state = has_secure.then_some(false);
        cpu.generation = 1 + number as u32;
        self.checker.report.note(&format!(
            "cpu {number} mpidr {mpidr:08x} clidr {clidr:08x} ctr {ctr:08x} secure {has_secure}"
        ));
        if clidr >> 24 & 7 > 2 || clidr == 0 {
            self.checker
                .report
                .doubt(format!("caches of CLIDR {clidr:08x}"));
        }
    }

    fn find_registers(&mut self) {
        // SAFETY: called on a vCPU's thread; the array and its strings are QEMU's, the array
        // itself is ours to free.
        unsafe {
            let array = sys::qemu_plugin_get_registers();
            if array.is_null() {
                return;
            }
            let first = (*array).data.cast::<sys::qemu_plugin_reg_descriptor>();
            for i in 0..(*array).len as usize {
                let descriptor = *first.add(i);
                let name = CStr::from_ptr(descriptor.name)
                    .to_string_lossy()
                    .into_owned();
                self.registers.insert(name, Handle(descriptor.handle));
            }
            g_array_free(array, 1);
        }
    }

    fn site(&mut self, decoded: Decoded, regime: Regime, pc: u32, word: u32, thumb: bool) -> usize {
        let (sites, key) = (&mut self.sites, (pc, regime as u8, word, thumb));
        *self.known.entry(key).or_insert_with(|| {
            sites.push(Site {
                decoded,
                regime,
                pc,
            });
            sites.len() - 1
        })
    }

    fn entered(&mut self, cpu: usize, regime: Regime, at: u32) {
        let entry = Entry {
            place: Place {
                cpu,
                regime,
                pc: Some(at),
            },
            at,
            r0: self.general(0),
            r2: self.general(2),
        };
        self.close();
        self.handoff = Some(Handoff::open(&mut self.checker, entry));
    }

    fn close(&mut self) {
        if let Some(handoff) = self.handoff.take() {
            handoff.close(&mut self.checker);
        }
    }

    /// Whether all that was asked for has been judged: the last payload has its own caches on.
    fn is_done(&self) -> bool {
        self.stop_after != 0
            && self.checker.report.handoffs >= self.stop_after
            && self.checker.turned_on >= 1
    }

    fn end(&mut self) {
        self.close();
        self.checker.report.end();
        self.stopped = true;
    }
}

unsafe extern "C" fn cpu_starts(_: PluginId, number: u32) {
    with(|state| state.cpu_starts(number as usize));
}

/// A CPU that was off or waiting goes on; PSCI may have reset it.
unsafe extern "C" fn cpu_resumes(_: PluginId, number: u32) {
    with(|state| {
        if number == 0 {
            return;
        }
        let (pl1, hyp) = (state.register("SCTLR"), state.register("SCTLR_EL2"));
        let cpu = state.checker.cpu(number as usize);
        cpu.banks[Regime::Pl1 as usize].sctlr = pl1;
        cpu.banks[Regime::Hyp as usize].sctlr = hyp;
    });
}

unsafe extern "C" fn ends(_: PluginId, _: *mut c_void) {
    with(State::end);
}

fn pack(low: u32, regime: Regime, high: u32) -> *mut c_void {
    (u64::from(low) | (regime as u64) << 32 | u64::from(high) << 40) as usize as *mut c_void
}

fn unpack(userdata: *mut c_void) -> (u32, Regime, u32) {
    let value = userdata as usize as u64;
    (
        value as u32,
        Regime::from_number(value >> 32 & 0xff),
        (value >> 40) as u32,
    )
}

fn place(cpu: u32, regime: Regime, pc: u32) -> Place {
    Place {
        cpu: cpu as usize,
        regime,
        pc: (pc != NOWHERE).then_some(pc),
    }
}

unsafe extern "C" fn data(cpu: u32, info: qemu_plugin_meminfo_t, address: u64, site: *mut c_void) {
    // SAFETY: in a memory callback, with its own arguments.
    let (physical, bytes, store) = unsafe {
        let found = sys::qemu_plugin_get_hwaddr(info, address);
        if found.is_null() || sys::qemu_plugin_hwaddr_is_io(found) {
            return;
        }
        (
            sys::qemu_plugin_hwaddr_phys_addr(found),
            1 << sys::qemu_plugin_mem_size_shift(info),
            sys::qemu_plugin_mem_is_store(info),
        )
    };
    let (pc, regime, _) = unpack(site);
    with(|state| {
        let place = place(cpu, regime, pc);
        state
            .checker
            .data(place, address as u32, physical, bytes, store);
    });
}

unsafe extern "C" fn block(cpu: u32, site: *mut c_void) {
    let (pc, regime, bytes) = unpack(site);
    with(|state| state.checker.fetch(place(cpu, regime, pc), bytes));
}

unsafe extern "C" fn entry(cpu: u32, site: *mut c_void) {
    let (pc, regime, bytes) = unpack(site);
    with(|state| {
        state.entered(cpu as usize, regime, pc);
        state.checker.fetch(place(cpu, regime, pc), bytes);
    });
}

unsafe extern "C" fn instruction(cpu: u32, site: *mut c_void) {
    with(|state| {
        let Some(site) = state.sites.get(site as usize).copied() else {
            return;
        };
        if site.decoded.condition != 14 {
            let cpsr = state.register("cpsr");
            if !holds(site.decoded.condition, cpsr) {
                return;
            }
        }
        let (operands, sp) = match site.decoded.instruction {
            Instruction::Mcr(access) => ([state.general(access.rt), 0], state.general(13)),
            Instruction::Mcrr { rt, rt2, .. } => ([state.general(rt), state.general(rt2)], 0),
            _ => ([0, 0], 0),
        };
        let place = place(cpu, site.regime, site.pc);
        state
            .checker
            .instruction(place, site.decoded.instruction, operands, sp);
        if state.is_done() {
            state.end();
            // SAFETY: QEMU takes the callbacks away when no vCPU runs.
            unsafe { sys::qemu_plugin_reset(state.id, None) };
        }
    });
}

/// The instruction after a read of CCSIDR.
unsafe extern "C" fn observe(cpu: u32, _: *mut c_void) {
    with(|state| {
        let reading = state.checker.cpu(cpu as usize).reading;
        if let Some(rt) = reading {
            let value = state.general(rt);
            state.checker.ccsidr(cpu as usize, value);
        }
    });
}

unsafe extern "C" fn translated(_: PluginId, tb: *mut qemu_plugin_tb) {
    with(|state| {
        // SAFETY: in the translation callback, with its own block.
        unsafe { look_at(state, tb) };
    });
}

/// # Safety
/// Called in the translation callback for `tb`.
unsafe fn look_at(state: &mut State, tb: *mut qemu_plugin_tb) {
    const NO_REGISTERS: qemu_plugin_cb_flags = qemu_plugin_cb_flags::QEMU_PLUGIN_CB_NO_REGS;
    const REGISTERS: qemu_plugin_cb_flags = qemu_plugin_cb_flags::QEMU_PLUGIN_CB_R_REGS;
    let cpsr = state.register("cpsr");
    let thumb = cpsr & CPSR_THUMB != 0;
    // All vCPUs share one bank of SCR in practice: the first stage sets them alike.
    let regime = state.checker.cpu(0).regime(cpsr);
    // SAFETY: the caller's word: every call below is one of the translation callback's, on this
    // block and its own instructions.
    unsafe {
        let count = sys::qemu_plugin_tb_n_insns(tb);
        let mut start = NOWHERE;
        let mut bytes = 0;
        let mut observing = false;
        let mut entered = false;
        for i in 0..count {
            let insn = sys::qemu_plugin_tb_get_insn(tb, i);
            let pc = physical(state, insn, regime);
            let size = sys::qemu_plugin_insn_size(insn) as u32;
            if i == 0 {
                start = pc;
                entered = pc != NOWHERE && !thumb && is_image(u64::from(pc), &state.checker.ram);
            }
            bytes += size;
            sys::qemu_plugin_register_vcpu_mem_cb(
                insn,
                Some(data),
                NO_REGISTERS,
                qemu_plugin_mem_rw::QEMU_PLUGIN_MEM_RW,
                pack(pc, regime, 0),
            );
            if observing {
                let none = std::ptr::null_mut();
                sys::qemu_plugin_register_vcpu_insn_exec_cb(insn, Some(observe), REGISTERS, none);
                observing = false;
            }
            if size != 4 {
                continue;
            }
            let mut code = [0_u8; 4];
            sys::qemu_plugin_insn_data(insn, code.as_mut_ptr().cast(), 4);
            if let Some(decoded) = decode(code, thumb) {
                let word = u32::from_le_bytes(code);
                let site = state.site(decoded, regime, pc, word, thumb);
                sys::qemu_plugin_register_vcpu_insn_exec_cb(
                    insn,
                    Some(instruction),
                    REGISTERS,
                    site as *mut c_void,
                );
                observing = matches!(decoded.instruction, Instruction::ReadCcsidr { .. });
            }
        }
        if start == NOWHERE {
            return;
        }
        let site = pack(start, regime, bytes);
        if entered {
            let first = sys::qemu_plugin_tb_get_insn(tb, 0);
            sys::qemu_plugin_register_vcpu_insn_exec_cb(first, Some(entry), REGISTERS, site);
        } else {
            sys::qemu_plugin_register_vcpu_tb_exec_cb(tb, Some(block), NO_REGISTERS, site);
        }
    }
}

/// Returns an instruction's physical address.
///
/// # Safety
/// Called in the translation callback for an instruction of its block.
unsafe fn physical(state: &mut State, insn: *mut qemu_plugin_insn, regime: Regime) -> u32 {
    // SAFETY: the caller's word.
    let (host, address) = unsafe {
        (
            sys::qemu_plugin_insn_haddr(insn) as usize,
            sys::qemu_plugin_insn_vaddr(insn),
        )
    };
    let checker = &mut state.checker;
    if host == 0 {
        return NOWHERE;
    }
    // Where QEMU holds RAM shows at the first instruction from it without translation.
    if !checker.ram.is_found() && checker.cpu(0).bank(regime).sctlr & MMU == 0 {
        checker.ram.found(address, host);
    }
    let found = checker.ram.physical(host);
    found
        .and_then(|found| u32::try_from(found).ok())
        .unwrap_or(NOWHERE)
}
