//! Checksums, searches, tests of memory, packed data.

use crate::{
    assert_all,
    bench::{Bench, outputs_in},
};
use baton_core::context::LoadedFile;
use platform_api::{PhysAddr, PhysRange};
use platform_fake::{FakeConsole, Step};

#[test]
fn sums_are_shown_stored_and_verified() {
    let cases = [
        ("mw.l 40200000 64636261 2", ""),
        (
            "crc32 40200000 4",
            "crc32 for 40200000 ... 40200003 ==> ed82cd11\n",
        ),
        (
            "crc32 40200000 4 40200100; md.b 40200100 4",
            "crc32 for 40200000 ... 40200003 ==> ed82cd11\n\
             40200100: ed 82 cd 11                                      ....\n",
        ),
        ("crc32 -v 40200000 4 ed82cd11; echo $?", "0\n"),
        ("crc32 -v 40200000 4 *40200100; echo $?", "0\n"),
        (
            "crc32 -v 40200000 5 ed82cd11; echo $?",
            "crc32 for 40200000 ... 40200004 ==> 82ea1c7c != ed82cd11 ** ERROR **\n1\n",
        ),
        (
            "md5sum 40200000 4 sum; echo $sum",
            "md5 for 40200000 ... 40200003 ==> e2fc714c4727ee9395f324cd2e7f331f\n\
             e2fc714c4727ee9395f324cd2e7f331f\n",
        ),
        ("md5sum -v 40200000 4 sum; echo $?", "0\n"),
        (
            "sha1sum -v 40200000 4 sum",
            "Expected 40 hex digits in env var\n\
             ERROR: sum does not contain a valid sha1 sum\n",
        ),
        (
            "sha1sum 40200000 4 *40200100; sha1sum -v 40200000 4 *40200100 && echo same",
            "sha1 for 40200000 ... 40200003 ==> 81fe8bfe87576c3ecb22426f8e57847382917acf\nsame\n",
        ),
        (
            "hash SHA256 40200000 4",
            "sha256 for 40200000 ... 40200003 ==> \
             88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589\n",
        ),
        (
            "hash -v sha256 40200000 4 \
             88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589; echo $?",
            "0\n",
        ),
        ("sha256sum 10 4", "[0x00000010-0x00000013] is not in RAM\n"),
        (
            "crc32 ffffffffffffffff 4",
            "4 bytes at ffffffffffffffff end beyond the last address\n",
        ),
    ];
    assert_all(&cases);
    let shown = crate::bench::outputs(&["hash sha3 40200000 4", "crc32 -v 40200000 4", "md5sum 1"]);
    assert!(shown[0].starts_with("Unknown hash algorithm 'sha3'\nhash - compute"));
    assert!(shown[1].starts_with("crc32 - checksum"));
    assert!(shown[2].starts_with("md5sum - compute MD5"));
}

#[test]
fn the_base_is_added() {
    let cases = [
        ("base 40200000", "Base Address: 0x40200000\n"),
        ("mw.l 0 11223344; mw.l 4 55667788", ""),
        (
            "md.l 0 1",
            "40200000: 11223344                             D3\".\n",
        ),
        ("", "40200004: 55667788                             .wfU\n"),
        (
            "cp.l 0 100 2; cmp.l 0 100 2",
            "Total of 2 word(s) were the same\n",
        ),
        ("crc32 0 4", "[0x00000000-0x00000003] is not in RAM\n"),
        (
            "md ffffffffffffffff",
            "ffffffffffffffff lies beyond the last address from base 40200000 on\n",
        ),
        (
            "base 0; base",
            "Base Address: 0x00000000\nBase Address: 0x00000000\n",
        ),
        (
            "md.l 40200000",
            "40200000: 11223344                             D3\".\n",
        ),
    ];
    assert_all(&cases);
}

#[test]
fn memory_is_searched() {
    let cases = [
        ("mw.b 40200003 5a; mw.b 40200008 5a; mw.b 40200035 5a", ""),
        (
            "ms.b 40200000 40 5a; echo $? $memmatches $memaddr $mempos",
            "40200000: 00 00 00 5a 00 00 00 00 5a 00 00 00 00 00 00 00  ...Z....Z.......\n--\n\
             40200030: 00 00 00 00 00 5a 00 00 00 00 00 00 00 00 00 00  .....Z..........\n\
             3 matches\n0 3 40200035 35\n",
        ),
        (
            "ms.b -q 40200000 40 5a 0 0 0 0 5a; echo $? $memmatches",
            "0 1\n",
        ),
        (
            "ms.b -l1 40200000 40 5a",
            "40200000: 00 00 00 5a 00 00 00 00 5a 00 00 00 00 00 00 00  ...Z....Z.......\n\
             1 match (repeat command to check for more)\n",
        ),
        (
            "",
            "40200000: 00 00 00 5a 00 00 00 00 5a 00 00 00 00 00 00 00  ...Z....Z.......\n\
             1 match (repeat command to check for more)\n",
        ),
        ("ms.l 40200000 10 77; echo $?", "0 matches\n1\n"),
        ("mw.l 40200100 6c6c6568; mw.b 40200104 6f", ""),
        (
            "ms.s 40200000 200 he llo",
            "40200100: 68 65 6c 6c 6f 00 00 00 00 00 00 00 00 00 00 00  hello...........\n1 match\n",
        ),
        (
            "ms.b 40200000 ffffffff 1",
            "[0x40200000-0x1401ffffe] is not in RAM\n",
        ),
    ];
    assert_all(&cases);
}

#[test]
fn memory_is_tested() {
    let cases = [
        (
            "mtest 40200000 40200040 5 2; echo $?",
            "Testing 40200000 ... 40200040:\nIteration:      1\r\rPattern 00000005  Writing...            \
             \x08\x08\x08\x08\x08\x08\x08\x08\x08\x08Reading...\
             Iteration:      2\r\rPattern FFFFFFFA  Writing...            \
             \x08\x08\x08\x08\x08\x08\x08\x08\x08\x08Reading...\n\
             Tested 2 iteration(s) with 0 errors.\n0\n",
        ),
        (
            "md.l 40200000 2",
            "40200000: fffffffa fffffff9                    ........\n",
        ),
        ("mtest 40200040 40200040", "Refusing to do empty test\n"),
        ("mtest 0 100", "[0x00000000-0x000000ff] is not in RAM\n"),
    ];
    assert_all(&cases);
}

#[test]
fn what_asks_takes_lines() {
    let mut bench = Bench::new(FakeConsole::default());
    for (prompt, line) in [
        ("=> ", "mm.w 40200000\r"),
        ("40200000: 0000 ? ", "12345\r"),
        ("40200002: 0000 ? ", "\r"),
        ("40200004: 0000 ? ", "-\r"),
        ("40200002: 0000 ? ", "0xab and so on\r"),
        ("40200004: 0000 ? ", "x\r"),
        ("=> ", "nm.b 40200002\r"),
        ("40200002: ab ? ", "cd\r"),
        ("40200002: cd ? ", "\x03"),
        ("=> ", "md.w 40200000 2\r"),
    ] {
        bench.console.then(Step::Await(prompt.into()));
        bench.console.type_bytes(line);
    }
    let shown = bench.play(|_| {});
    assert!(
        shown.ends_with("40200000: 2345 00cd                                E#..\r\n=> "),
        "{shown}"
    );
    assert!(shown.contains("cd ? <INTERRUPT>\r\n=> "), "{shown}");
}

#[test]
fn packed_data_are_unpacked() {
    let mut bench = Bench::new(FakeConsole::default());
    let packed = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10,
        0x36, 5, 0, 0, 0,
    ];
    bench.memory.fill(0x4020_0000, &packed);
    let lines = [
        "unzip 40200000 40300000; printenv filesize",
        "unzip 40200000 40300000 4",
        "unzip 40200000 4020000f",
        // Behind what is unpacked so far, but not behind the file.
        "unzip 40200000 40200014",
        "unzip 40200001 40300000",
        "unzip 10 40300000",
        "mw.b 40200011 0; unzip 40200000 40300000",
    ];
    let bank = bench.memory.ram();
    let file = PhysRange::from_size(PhysAddr::new(0x4020_0000), packed.len() as u64);
    let shown = outputs_in(&mut bench, &lines, |cx| {
        cx.map.ram.push(bank);
        cx.loaded.extend(file.map(|range| LoadedFile {
            path: "a.gz".into(),
            range,
        }));
    });
    assert_eq!(
        shown,
        [
            "Uncompressed size: 5 = 0x5\nfilesize=5\n",
            "more than 0x4 bytes\n",
            "[0x4020000f-0x40200013] is where the rest of the packed data lies: \
             unpack to a place behind it\n",
            "[0x40200014-0x40200018] is where the rest of the packed data lies: \
             unpack to a place behind it\n",
            "not gzip: it starts with 8b 08\n",
            "[0x00000010-0x00000010] is not in RAM\n",
            "crcs == 0x3610a600/0x3610a686\n",
        ]
    );
}
