//! `env` and its kin. Where U-Boot 2023.01 on QEMU's virt has the subcommand, what is expected here
//! was compared with what it prints; the rest follows its sources' words.

use crate::{
    assert_all,
    bench::{Bench, outputs, outputs_on},
};
use platform_fake::FakeConsole;

#[test]
fn defaults_deletions_and_existence() {
    assert_all(&[
        ("setenv bootdelay 7; setenv mine 1", ""),
        ("env default bootdelay nosuch; echo $?", "0\n"),
        ("printenv bootdelay mine", "bootdelay=2\nmine=1\n"),
        ("env default -a", "## Resetting to default environment\n"),
        ("env exists mine; echo $?", "1\n"),
        ("env exists bootdelay; echo $?", "0\n"),
        ("env delete nosuch; echo $?", "1\n"),
        ("setenv nosuch; echo $?", "0\n"),
        (
            "setenv a 1; setenv b 2; env delete a nosuch b; echo $?",
            "1\n",
        ),
        ("env exists a || env exists b || echo gone", "gone\n"),
        ("env pri bootdelay", "bootdelay=2\n"),
        (
            "env set a 1 2; env run a",
            "Unknown command '1' - try 'help'\n",
        ),
        ("env print -a a", "a=1 2\n"),
    ]);
}

#[test]
fn wrong_arguments_show_the_usage() {
    for line in [
        "env",
        "env frob",
        "env e",
        "env default",
        "env default -a x",
        "env default -x a",
        "env exists",
        "env exists a b",
        "env export",
        "env export -x 40000000",
        "env export -s",
        "env import",
        "env import -x 40000000",
        "env grep",
        "env info x",
        "env save x",
        "env load x",
        "setenv",
        "setenv -f",
        "setenv -x a b",
        "save virtio 0:1 40000000 a",
        "fatsize virtio 0:1",
        "fatmkdir virtio 0:1",
        "fatrm virtio",
    ] {
        let shown = outputs(&[line, "echo $?"]);
        assert!(shown[0].contains("\n\nUsage:\n"), "{line}: {}", shown[0]);
        assert_eq!(shown[1], "1\n", "{line}");
    }
}

#[test]
fn flags_are_kept() {
    assert_all(&[
        ("setenv .flags a:dr,b:so,c:x,d:bc,e:i,f:m,bootdelay:sc", ""),
        (
            "setenv a 1; echo $?",
            "## Error: Can't create \"a\"\n## Error inserting \"a\" variable, errno=1\n1\n",
        ),
        ("setenv -f a 1; echo $?", "0\n"),
        (
            "setenv -f a x; echo $?",
            "## Error: flags type check failure for \"a\" <= \"x\" (type: d)\n\
             ## Error inserting \"a\" variable, errno=1\n1\n",
        ),
        ("setenv b hello; echo $?", "0\n"),
        (
            "setenv b again; echo $?",
            "## Error: Can't overwrite \"b\"\n## Error inserting \"b\" variable, errno=1\n1\n",
        ),
        ("setenv b; echo $?", "## Error: Can't delete \"b\"\n1\n"),
        ("env delete b; echo $?", "## Error: Can't delete \"b\"\n1\n"),
        ("env delete -f b; echo $?", "0\n"),
        (
            "setenv c 0x1f && setenv c '' && setenv d y && echo ok",
            "ok\n",
        ),
        (
            "setenv e 10.0.0.1 && setenv f 52:54:00:12:34:56 && echo ok",
            "ok\n",
        ),
        (
            "setenv e 10.0.0",
            "## Error: flags type check failure for \"e\" <= \"10.0.0\" (type: i)\n\
             ## Error inserting \"e\" variable, errno=1\n",
        ),
        ("setenv bootdelay 5; echo $?", "0\n"),
        (
            "setenv bootdelay 6",
            "oldval: 5  defval: 2\n## Error: Can't overwrite \"bootdelay\"\n\
             ## Error inserting \"bootdelay\" variable, errno=1\n",
        ),
        (
            "setenv .flags zz:qa",
            "## Warning: Unknown environment variable type 'q'\n",
        ),
        ("setenv zz 1; echo $?", "0\n"),
    ]);
}

#[test]
fn flags_are_listed() {
    assert_all(&[
        (
            "setenv a 1; setenv b 2; setenv .flags a:dr,b:s,nosuch:xo",
            "",
        ),
        (
            "env flags",
            "Available variable type flags (position 0):\n\
             \tFlag\tVariable Type Name\n\
             \t----\t------------------\n\
             \ts   -\tstring\n\
             \td   -\tdecimal\n\
             \tx   -\thexadecimal\n\
             \tb   -\tboolean\n\
             \ti   -\tIP address\n\
             \tm   -\tMAC address\n\
             \n\
             Available variable access flags (position 1):\n\
             \tFlag\tVariable Access Name\n\
             \t----\t--------------------\n\
             \ta   -\tany\n\
             \tr   -\tread-only\n\
             \to   -\twrite-once\n\
             \tc   -\tchange-default\n\
             \n\
             Static flags:\n\
             \tVariable Name        Variable Type        Variable Access     \n\
             \t-------------        -------------        ---------------     \n\
             \n\
             Active flags:\n\
             \tVariable Name        Variable Type        Variable Access     \n\
             \t-------------        -------------        ---------------     \n\
             \ta                    decimal              read-only           \n",
        ),
    ]);
}

#[test]
fn a_dot_hides_a_variable_from_the_list() {
    let lines = [
        "setenv .flags x:s",
        "printenv",
        "printenv -a",
        "printenv .flags",
    ];
    let shown = outputs(&lines);
    assert!(!shown[1].contains(".flags"), "{}", shown[1]);
    assert!(shown[1].ends_with("\n\nEnvironment size: 91/16379 bytes\n"));
    assert!(shown[2].starts_with(".flags=x:s\n"), "{}", shown[2]);
    assert!(shown[2].ends_with("\n\nEnvironment size: 102/16379 bytes\n"));
    assert_eq!(shown[3], ".flags=x:s\n");
}

#[test]
fn text_goes_out_and_in() {
    assert_all(&[
        ("setenv x1 ab; setenv x2 'a;b $x \"q\"'", ""),
        ("env export -t 40200000 x1 x2; echo $? $filesize", "0 15\n"),
        (
            "md.b 40200000 16",
            "40200000: 78 31 3d 61 62 0a 78 32 3d 61 3b 62 20 24 78 20  x1=ab.x2=a;b $x \n\
             40200010: 22 71 22 0a 00 00                                \"q\"...\n",
        ),
        (
            "env export -t -s 100 40200000 x1 x2; echo $? $filesize",
            "0 100\n",
        ),
        (
            "env export -t -s 4 40200000 x1 x2; echo $? $filesize",
            "Env export buffer too small: 4, but need 21\n\
             ## Error: Cannot export environment: errno = 12\n1 100\n",
        ),
        ("setenv x1; setenv x2 changed", ""),
        (
            "env import 40200000; echo $?",
            "## Warning: defaulting to text format\n\
             ## Info: input data size = 21 = 0x15\n0\n",
        ),
        ("printenv x1 x2", "x1=ab\nx2=a;b $x \"q\"\n"),
        ("setenv x1 1; setenv x2 2; setenv b 3", ""),
        ("env import -t 40200000 15 x1 nosuch; echo $?", "0\n"),
        ("printenv x1 x2", "x1=ab\nx2=2\n"),
        (
            "env import -d -t 40200000 15 x1 nosuch b; echo $?",
            "WARNING: 'nosuch' neither in running nor in imported env!\n\
             WARNING: 'b' not in imported env, deleting it!\n0\n",
        ),
        ("env exists b; echo $?", "1\n"),
        (
            "env import -d -t 40200000 -",
            "## Info: input data size = 21 = 0x15\n",
        ),
        ("env exists bootcmd; echo $?", "1\n"),
        ("env import -t 40200000 0; echo $?", "0\n"),
        // Carriage returns.
        ("mw.l 40200000 0d313d61; mw.l 40200004 0000000a", ""),
        ("env import -t -r 40200000 5; env print a", "a=1\n"),
        (
            "env export -b -t 40200000; echo $?",
            "## Error: export: only one of \"-b\", \"-c\" or \"-t\" allowed\n1\n",
        ),
        (
            "env import -tb 40200000; echo $?",
            "## Error: import: only one of \"-b\", \"-c\" or \"-t\" allowed\n1\n",
        ),
    ]);
}

#[test]
fn binary_goes_out_and_in() {
    assert_all(&[
        ("setenv x1 ab; setenv x2 'a;b $x \"q\"'", ""),
        (
            "env export -b 40200000 x1 x2; echo $? $filesize",
            "0 4000\n",
        ),
        (
            "md.b 40200000 16",
            "40200000: 78 31 3d 61 62 00 78 32 3d 61 3b 62 20 24 78 20  x1=ab.x2=a;b $x \n\
             40200010: 22 71 22 00 00 00                                \"q\"...\n",
        ),
        (
            "env export -c 40200000 x1 x2; echo $? $filesize",
            "0 4000\n",
        ),
        (
            "setenv x1; env import -c 40200000 4000 x1; printenv x1",
            "x1=ab\n",
        ),
        (
            "env import -c 40200000 3fff; echo $?",
            "## Error: bad CRC, import failed\n1\n",
        ),
        (
            "env import -c 40200000; echo $?",
            "## Error: external checksum format must pass size\n1\n",
        ),
        (
            "env export -c -s 100 40200000 x1; echo $? $filesize",
            "0 100\n",
        ),
        (
            "setenv x1; env import -c 40200000 100; printenv x1",
            "x1=ab\n",
        ),
        (
            "env export -c -s 6 40200000 x1 x2",
            "Env export buffer too small: 6, but need 26\n\
             ## Error: Cannot export environment: errno = 12\n",
        ),
        (
            "env export -b 40200000 x1; setenv x1; env import -b 40200000",
            "## Info: input data size = 7 = 0x7\n",
        ),
        ("printenv x1", "x1=ab\n"),
    ]);
}

#[test]
fn junk_in_memory_is_told_and_left_out() {
    let mut bench = Bench::new(FakeConsole::default());
    bench.memory.fill(
        0x4020_0000,
        b"ok=1\n=2\nb\xffd=3\nbin=\xff\xfe\nfine=yes\n\0",
    );
    let shown = outputs_on(
        &mut bench,
        &[
            "env import -t 40200000",
            "printenv ok fine",
            "env exists bin; echo $?",
            "env import -t 3f000000",
            "env export -t 3f000000",
            "env import -t 403ffff0",
        ],
    );
    assert_eq!(
        shown[0],
        "## Info: input data size = 31 = 0x1F\n\
         ## Error: \"\" cannot name a variable\n\
         ## Error: \"b\\u{fffd}d\" cannot name a variable\n\
         ## Error: the value of \"bin\" is no text in UTF-8\n"
    );
    assert_eq!(shown[1], "ok=1\nfine=yes\n");
    assert_eq!(shown[2], "1\n");
    assert!(shown[3].contains("0x3f000000"), "{}", shown[3]);
    assert!(shown[4].contains("0x3f000000"), "{}", shown[4]);
}

#[test]
fn grep_finds_by_name_and_value() {
    assert_all(&[
        ("setenv foo bar; setenv bar foo", ""),
        ("env grep foo", "bar=foo\nfoo=bar\n"),
        ("env grep -n foo", "foo=bar\n"),
        ("grepenv -v foo", "bar=foo\n"),
        ("env grep -n foo bootd", "bootdelay=2\nfoo=bar\n"),
        ("env grep nosuchtext; echo $?", "1\n"),
    ]);
}

#[test]
fn information_tells_where_variables_came_from() {
    assert_all(&[
        (
            "env info; echo $?",
            "env_valid = invalid\nenv_ready = true\nenv_use_default = true\n0\n",
        ),
        ("env info -d; echo $?", "Default environment is used\n0\n"),
        (
            "env info -p; echo $?",
            "Environment cannot be persisted\n1\n",
        ),
        ("setenv devtype virtio; setenv devnum 0", ""),
        (
            "env info -d -p; echo $?",
            "Default environment is used\nEnvironment can be persisted\n0\n",
        ),
        ("env info -pdq; echo $?", "0\n"),
    ]);
}

#[test]
fn saving_without_a_disk_fails() {
    assert_all(&[
        (
            "saveenv; echo $?",
            "Saving Environment to FAT... Failed (1)\n\
             no disk to save to; set devtype and devnum\n1\n",
        ),
        ("setenv devtype virtio; setenv devnum 0", ""),
        (
            "env save; echo $?",
            "Saving Environment to FAT... Failed (1)\nno disk virtio 0\n1\n",
        ),
        (
            "env load; echo $?",
            "Loading Environment from FAT... \
             *** Warning - virtio 0: no disk virtio 0, using default environment\n\n1\n",
        ),
    ]);
}
