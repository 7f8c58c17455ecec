//! Programs other than kernels: `go` comes back, `bootelf` does not.

use std::time::Duration;

use harness::{Card, Machine, Result, Session, flow, here};

/// Where the programs here go.
const PROGRAM: u32 = 0x4800_0000;

fn baton(name: &str, card: Card) -> Result<Session> {
    flow::baton_direct(Machine::virt(name).card(card))
}

/// `bx lr`, and before it one instruction.
fn write_program(session: &mut Session, instruction: u32) -> Result<()> {
    session.run_ok(&format!("mw {PROGRAM:x} {instruction:x}"))?;
    session
        .run_ok(&format!("mw {:x} e12fff1e", PROGRAM + 4))
        .map(drop)
}

#[test]
fn go_comes_back_with_a_status() -> Result<()> {
    let mut session = baton(here!(), Card::built()?)?;
    // mov r0, #7
    write_program(&mut session, 0xe3a0_0007)?;
    let said = session.run_err("go 48000000")?;
    assert!(said.contains("rc = 0x7"), "{said}");
    // mov r0, #0: the caches let the new instruction through.
    write_program(&mut session, 0xe3a0_0000)?;
    let said = session.run_ok("go 48000000")?;
    assert!(said.contains("rc = 0x0"), "{said}");
    // A program that left r0 alone answers argc; bit 0 calls Thumb: bx lr, twice.
    session.run_ok("mw 48000000 47704770")?;
    let said = session.run_err("go 48000001 one two")?;
    assert!(said.contains("rc = 0x3"), "{said}");
    // argv[1][0]: ldr r0, [r1, #4]; ldrb r0, [r0]; bx lr.
    for (at, word) in [(0, 0xe591_0004_u32), (4, 0xe5d0_0000), (8, 0xe12f_ff1e)] {
        session.run_ok(&format!("mw {:x} {word:x}", PROGRAM + at))?;
    }
    let said = session.run_err("go 48000000 A")?;
    assert!(said.contains("rc = 0x41"), "{said}");
    // udf #0
    write_program(&mut session, 0xe7f0_00f0)?;
    let said = session.run_err("go 48000000")?;
    assert!(said.contains("Undefined Instruction in HYP"), "{said}");
    session.run_ok("ls virtio 0:1").map(drop)
}

/// Prints a line on the UART and turns the machine off: SYSTEM_OFF of PSCI by SMC.
const CODE: [u32; 11] = [
    0xe3a0_3409, //    mov  r3, #0x09000000
    0xe28f_4020, //    add  r4, pc, #32
    0xe4d4_5001, // 1: ldrb r5, [r4], #1
    0xe355_0000, //    cmp  r5, #0
    0x0a00_0001, //    beq  2f
    0xe583_5000, //    str  r5, [r3]
    0xeaff_fffa, //    b    1b
    0xe300_0008, // 2: movw r0, #0x0008
    0xe348_0400, //    movt r0, #0x8400
    0xe160_0070, //    smc  #0
    0xeaff_fffe, //    b    .
];
/// What it prints.
const SAYS: &[u8] = b"entered by bootelf\r\n\0";

/// Makes an executable of one segment with `memsz` bytes at `address`, entered at its start.
fn executable(address: u32, memsz: u32) -> Vec<u8> {
    const HEADERS: u32 = 52 + 32;
    let mut segment: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
    segment.extend(SAYS);
    let filesz = u32::try_from(segment.len()).unwrap_or(u32::MAX);
    let mut file = b"\x7fELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    // ET_EXEC, EM_ARM; version, entry, e_phoff, e_shoff, flags of the fifth EABI.
    file.extend([2_u16, 40].iter().flat_map(|half| half.to_le_bytes()));
    let words = [1, address, 52, 0, 0x0500_0000];
    file.extend(words.iter().flat_map(|word: &u32| word.to_le_bytes()));
    // e_ehsize, e_phentsize, e_phnum, no sections.
    let halves = [52_u16, 32, 1, 40, 0, 0];
    file.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    // PT_LOAD, offset, virtual and physical address, sizes, RWX, alignment.
    let program = [1, HEADERS, address, address, filesz, memsz, 7, 4];
    file.extend(program.iter().flat_map(|word: &u32| word.to_le_bytes()));
    file.extend(segment);
    file
}

#[test]
fn bootelf_starts_what_fits_and_refuses_the_rest() -> Result<()> {
    let good = executable(PROGRAM, 0x1000);
    let cut = good.get(..100).unwrap_or_default();
    let card = Card::built()?
        .with_file("good.elf", &good)?
        .with_file("hole.elf", &executable(0x2000_0000, 0x1000))?
        .with_file("end.elf", &executable(0x5fff_f000, 0x2000))?
        .with_file("cut.elf", cut)?;
    let mut session = baton(here!(), card)?;
    for (file, reason) in [
        ("hole.elf", "segment 0 at [0x20000000-0x20000fff]"),
        ("end.elf", "segment 0 at [0x5ffff000-0x60000fff]"),
        ("cut.elf", "truncated"),
        ("zImage", "magic"),
        ("none.elf", "none.elf"),
    ] {
        let said = session.run_err(&format!("bootelf {file}"))?;
        assert!(said.contains(reason), "{file}: {said}");
    }
    // Over Baton, wherever that is: `loader      = [0x5fc00000-0x5fffffff] Baton`.
    let info = session.run_ok("bdinfo")?;
    let own = info.split("loader      = [0x").nth(1);
    let own = own.and_then(|rest| rest.get(..8)).unwrap_or_default();
    session.run_ok("load virtio 0:1 4a000000 good.elf")?;
    // e_entry, p_vaddr, p_paddr.
    for field in [24, 60, 64] {
        session.run_ok(&format!("mw {:x} {own}", 0x4a00_0000 + field))?;
    }
    let said = session.run_err("bootelf")?;
    assert!(said.contains("overlaps Baton"), "{said}");

    session.run_ok("load virtio 0:1 4a000000 good.elf")?;
    session.send_line("bootelf");
    session.expect("entered by bootelf")?;
    assert!(session.expect_exit(Duration::from_secs(20))?.success());
    Ok(())
}
