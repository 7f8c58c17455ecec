//! Counting instructions from outside: exact, and the same in every run.

use std::{fs, path::Path, time::Duration};

use harness::{Card, Machine, Result, count, here};

/// QEMU puts a raw image here, 64 KiB into RAM.
const IMAGE: u32 = 0x4001_0000;

/// A straight line of code: the counts are the distances.
#[test]
fn each_instruction_is_one() -> Result<()> {
    // `mov r0, r0`, but `mov r1, r0` and `add r1, r1, #1` at the marks, so that each must have been
    // put back; at the end `b .`.
    let mut code = vec![0xe1a0_0000_u32; 1000];
    code[100] = 0xe3a0_1007;
    code[101] = 0xe281_1001;
    code[999] = 0xeaff_fffe;
    let bytes: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("straight.bin");
    fs::write(&path, bytes).unwrap();
    let at = |index: u32| IMAGE + 4 * index;
    let indices = [0, 1, 2, 50, 100, 101, 102, 103, 999];
    let marks = indices.map(at);
    let machine = Machine::virt(here!()).kernel(&path);
    let (marks, mut session) = count(machine, &marks, Duration::from_secs(60))?;
    let start = marks.first().map_or(0, |mark| mark.instructions);
    for (mark, index) in marks.iter().zip(indices) {
        assert_eq!(mark.address, at(index));
        assert_eq!(mark.instructions - start, u64::from(index), "{marks:?}");
        assert_eq!(mark.requests, 0);
    }
    let registers = session.monitor()?.human("info registers")?;
    assert!(registers.contains("R01=00000008"), "{registers}");
    Ok(())
}

/// The same load takes the same number of instructions in every run.
#[test]
fn instructions_are_counted_exactly() -> Result<()> {
    const LENGTH: usize = 1 << 20;
    let counts = || -> Result<(u64, u32)> {
        let card = Card::blank(64)?
            .with_file("big.bin", &vec![0x5a; LENGTH])?
            .with_script(
                "mw.l 41000000 e12fff1e; mw.l 42000000 e12fff1e\n\
                 go 41000000\n\
                 load virtio 0:1 43000000 big.bin\n\
                 go 42000000\n",
            )?;
        let machine = Machine::virt(here!()).card(card).with_working_go();
        let marks = [0x4100_0000, 0x4200_0000];
        let (marks, session) = count(machine, &marks, Duration::from_secs(300))?;
        let [start, end] = marks[..] else {
            panic!("{marks:?}");
        };
        assert!(session.transcript().contains("1048576 bytes read"));
        Ok((
            end.instructions - start.instructions,
            end.requests - start.requests,
        ))
    };
    let (instructions, requests) = counts()?;
    assert!(requests > 0);
    assert!(
        (50_000..2_000_000).contains(&instructions),
        "{instructions}"
    );
    assert_eq!(counts()?, (instructions, requests));
    println!("{instructions} instructions, {requests} requests");
    Ok(())
}
