//! `fdt` on a tree, without a session.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use platform_api::{MemoryError, PhysAddr, PhysRange, PhysicalMemory, Width};

use super::*;
use crate::{
    commands::Failure,
    devicetree::testing::{compile, tree},
};

const SOURCE: &str = r#"/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
    #address-cells = <1>;
    compatible = "a,board", "a,soc";
    chosen { bootargs = "quiet"; };
    soc { uart@1000 { reg = <0x1000 0x100>; mac = [01 02 03 04 05 06]; ready; }; };
};
"#;

fn on(tree: &mut WorkingTree, line: &[&str]) -> Result<String, CommandError> {
    let [subcommand, rest @ ..] = line else {
        return Err(CommandError::usage());
    };
    let mut out = String::new();
    match find(subcommand).ok_or_else(CommandError::usage)? {
        Run::Show(run) => run(tree, &mut out, rest)?,
        Run::Edit(run) => run(tree, rest)?,
        Run::Session(_) => unreachable!("tested beside"),
    }
    Ok(out)
}

fn error(tree: &mut WorkingTree, line: &[&str]) -> String {
    on(tree, line).unwrap_err().to_string()
}

#[test]
fn prints_as_u_boot_does() {
    let mut tree = tree(SOURCE);
    assert_eq!(
        on(&mut tree, &["print", "/"]).unwrap(),
        "/ {\n\
         \t#address-cells = <0x00000001>;\n\
         \tcompatible = \"a,board\", \"a,soc\";\n\
         \tchosen {\n\
         \t\tbootargs = \"quiet\";\n\
         \t};\n\
         \tsoc {\n\
         \t\tuart@1000 {\n\
         \t\t\treg = <0x00001000 0x00000100>;\n\
         \t\t\tmac = [01 02 03 04 05 06];\n\
         \t\t\tready;\n\
         \t\t};\n\
         \t};\n\
         };\n"
    );
    assert_eq!(
        on(&mut tree, &["p"]).unwrap(),
        on(&mut tree, &["print", "/"]).unwrap()
    );
    assert_eq!(
        on(&mut tree, &["list", "/soc"]).unwrap(),
        "soc {\n\tuart@1000 {\n\t};\n};\n"
    );
    assert_eq!(
        on(&mut tree, &["print", "/chosen", "bootargs"]).unwrap(),
        "bootargs = \"quiet\"\n"
    );
    assert_eq!(
        on(&mut tree, &["print", "/soc/uart@1000", "ready"]).unwrap(),
        "/soc/uart@1000 ready\n"
    );
}

#[test]
fn values_are_told_apart_by_their_look() {
    let shown = |bytes: &[u8]| {
        let mut text = String::new();
        crate::devicetree::render::value(&mut text, bytes).unwrap();
        text
    };
    assert_eq!(shown(b"a\0"), "\"a\"");
    assert_eq!(shown(b"a\0b\0"), "\"a\", \"b\"");
    // An empty string inside, a byte that is not printable, no terminator.
    assert_eq!(shown(b"a\0\0\0"), "<0x61000000>");
    assert_eq!(shown(b"a\x01\0"), "[61 01 00]");
    assert_eq!(shown(b"abc"), "[61 62 63]");
    assert_eq!(shown(b"\0"), "[00]");
}

#[test]
fn sets_what_is_typed() {
    let mut tree = tree(SOURCE);
    for (values, expected) in [
        (&["hello"][..], &b"hello\0"[..]),
        (&["a b", "c"], b"a b\0c\0"),
        (&[""], b"\0"),
        (&[], b""),
        (&["<1 0x10 010>"], &[0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 8]),
        (&["<1", "0xffffffff>"], &[0, 0, 0, 1, 255, 255, 255, 255]),
        (&["<", "0", ">"], &[0, 0, 0, 0]),
        (&["<1>", "<2>"], &[0, 0, 0, 1, 0, 0, 0, 2]),
        (&["[00 11", "ff]"], &[0, 0x11, 0xff]),
        (&["[0011ff]"], &[0, 0x11, 0xff]),
        (&["[]"], &[]),
        (&["<1", "2", "3>"], &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        // A cell that stays as it is, and one that was not there.
        (
            &["<?", "7", "?", "?>"],
            &[0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 0],
        ),
    ] {
        let line: Vec<&str> = ["set", "/chosen", "x"]
            .iter()
            .chain(values)
            .copied()
            .collect();
        on(&mut tree, &line).unwrap();
        let node = tree.find("/chosen").unwrap();
        assert_eq!(tree.property(node, "x"), Some(expected), "{values:?}");
    }
    for (value, message) in [
        ("<1 2", "'>' is missing behind \"<1 2\""),
        ("[00", "']' is missing behind \"[00\""),
        ("<x>", "\"x\" is not a 32-bit cell"),
        ("<0x100000000>", "\"0x100000000\" is not a 32-bit cell"),
        ("<08>", "\"08\" is not a 32-bit cell"),
        ("[0g]", "\"0g\" is not a row of bytes in hexadecimal"),
        ("[123]", "\"123\" is not a row of bytes in hexadecimal"),
        (
            "[\u{e4}]",
            "\"\u{e4}\" is not a row of bytes in hexadecimal",
        ),
    ] {
        assert_eq!(error(&mut tree, &["set", "/chosen", "x", value]), message);
    }
    let node = tree.find("/chosen").unwrap();
    assert_eq!(
        tree.property(node, "x"),
        Some(&[0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 0][..]),
        "a refused value changed something"
    );
}

#[test]
fn xen_modules_can_be_written() {
    let mut tree = tree(SOURCE);
    for line in [
        &["set", "/chosen", "#address-cells", "<1>"][..],
        &["set", "/chosen", "#size-cells", "<1>"],
        &["mknod", "/chosen", "module@48000000"],
        &[
            "set",
            "/chosen/module@48000000",
            "compatible",
            "multiboot,kernel",
            "multiboot,module",
        ],
        &[
            "set",
            "/chosen/module@48000000",
            "reg",
            "<0x48000000 0x600000>",
        ],
        &[
            "set",
            "/chosen/module@48000000",
            "bootargs",
            "console=hvc0 ro",
        ],
    ] {
        on(&mut tree, line).unwrap();
    }
    assert_eq!(
        on(&mut tree, &["print", "/chosen/module@48000000"]).unwrap(),
        "module@48000000 {\n\
         \tbootargs = \"console=hvc0 ro\";\n\
         \treg = <0x48000000 0x00600000>;\n\
         \tcompatible = \"multiboot,kernel\", \"multiboot,module\";\n\
         };\n"
    );
}

/// Where U-Boot puts them, and a tree that is still whole.
#[test]
fn what_is_new_comes_first() {
    let mut tree = tree("/dts-v1/; / { a; b; x { }; y { }; };");
    for line in [
        &["set", "/", "c"][..],
        &["mknode", "/", "w"],
        &["set", "/", "b", "1"],
        &["set", "/", "d"],
        &["mknode", "/w", "only"],
        &["set", "/w", "one"],
        &["mknode", "/", "v"],
    ] {
        on(&mut tree, line).unwrap();
    }
    let expected = "/ {\n\td;\n\tc;\n\ta;\n\tb = \"1\";\n\tv {\n\t};\n\
        \tw {\n\t\tone;\n\t\tonly {\n\t\t};\n\t};\n\tx {\n\t};\n\ty {\n\t};\n};\n";
    assert_eq!(on(&mut tree, &["print"]).unwrap(), expected);
    // The ends of the lists are right: what is appended or removed there finds its place.
    let root = tree.root();
    tree.set_property(root, "e", b"").unwrap();
    tree.make_node(root, "z").unwrap();
    for name in ["d", "e", "c"] {
        on(&mut tree, &["rm", "/", name]).unwrap();
    }
    for path in ["/v", "/z"] {
        on(&mut tree, &["rm", path]).unwrap();
    }
    let blob = tree.to_dtb(0).unwrap();
    let mut again = WorkingTree::load(&blob).unwrap();
    assert_eq!(
        on(&mut again, &["list"]).unwrap(),
        "/ {\n\ta;\n\tb = \"1\";\n\tw {\n\t};\n\tx {\n\t};\n\ty {\n\t};\n};\n"
    );
}

#[test]
fn removes_and_refuses() {
    let mut tree = tree(SOURCE);
    on(&mut tree, &["rm", "/chosen", "bootargs"]).unwrap();
    assert_eq!(
        error(&mut tree, &["rm", "/chosen", "bootargs"]),
        "libfdt fdt_delprop(): FDT_ERR_NOTFOUND\nno such property: /chosen bootargs"
    );
    on(&mut tree, &["rm", "/soc"]).unwrap();
    assert_eq!(
        error(&mut tree, &["rm", "/soc"]),
        "libfdt fdt_path_offset() returned FDT_ERR_NOTFOUND\nno such node: /soc"
    );
    assert_eq!(
        error(&mut tree, &["rm", "/"]),
        "the root node cannot be removed"
    );
    assert_eq!(
        error(&mut tree, &["print", "/", "nope"]),
        "libfdt fdt_getprop(): FDT_ERR_NOTFOUND\nno such property: / nope"
    );
    assert_eq!(
        error(&mut tree, &["mknode", "/", "chosen"]),
        "libfdt fdt_add_subnode(): FDT_ERR_EXISTS\nnode exists: /chosen"
    );
    assert_eq!(
        error(&mut tree, &["mknode", "/", "a/b"]),
        "libfdt fdt_add_subnode(): FDT_ERR_BADSTRUCTURE\n\"a/b\" cannot be a name"
    );
    for usage in [
        &["nope"][..],
        &[""],
        &["set", "/"],
        &["mknode", "/"],
        &["rm"],
        &["print", "/", "a", "b"],
        &["bootcpu"],
        &["memory", "1"],
    ] {
        assert!(
            matches!(on(&mut tree, usage).unwrap_err().failure(), Failure::Usage),
            "{usage:?}"
        );
    }
}

#[test]
fn gets_values_for_variables() {
    let tree = tree(SOURCE);
    let get = |line: &[&'static str]| get::look_up(&tree, line);
    let value = |line: &[&'static str]| get(line).unwrap().1;
    assert_eq!(get(&["value", "v", "/chosen", "bootargs"]).unwrap().0, "v");
    assert_eq!(value(&["value", "v", "/chosen", "bootargs"]), "quiet");
    assert_eq!(value(&["value", "v", "/", "compatible", "1"]), "a,soc");
    assert_eq!(
        value(&["value", "v", "/soc/uart@1000", "reg"]),
        "0000100000000100"
    );
    assert_eq!(value(&["value", "v", "/", "#address-cells"]), "0x00000001");
    assert_eq!(
        value(&["value", "v", "/soc/uart@1000", "reg", "0"]),
        "0x00001000"
    );
    assert_eq!(value(&["name", "v", "/soc", "0"]), "uart@1000");
    assert_eq!(
        get(&["name", "v", "/soc", "1"]).unwrap_err().to_string(),
        "libfdt node not found\n/soc has no node 1"
    );
    assert_eq!(
        get(&["value", "v", "/", "compatible", "x"])
            .unwrap_err()
            .to_string(),
        "\"x\" is not a decimal number"
    );
    assert_eq!(
        value(&["value", "v", "/soc/uart@1000", "reg", "1"]),
        "0x00000100"
    );
    assert_eq!(
        value(&["value", "v", "/soc/uart@1000", "mac"]),
        "010203040506"
    );
    assert_eq!(value(&["value", "v", "/soc/uart@1000", "ready"]), "");
    assert_eq!(value(&["size", "v", "/soc/uart@1000", "mac"]), "6");
    assert_eq!(value(&["size", "v", "/"]), "2");
    assert_eq!(
        get(&["value", "v", "/", "compatible", "2"])
            .unwrap_err()
            .to_string(),
        "/ compatible has no item 2"
    );
    assert!(matches!(
        get(&["value", "v"]).unwrap_err().failure(),
        Failure::Usage
    ));
}

/// RAM from 0x1000 on.
struct Ram(Vec<u8>);

impl PhysicalMemory for Ram {
    fn bytes(&self, range: PhysRange) -> Result<&[u8], MemoryError> {
        let start = range.start().as_u64().checked_sub(0x1000);
        start
            .and_then(|start| {
                let start = usize::try_from(start).ok()?;
                let size = usize::try_from(range.size()).ok()?;
                self.0.get(start..start.checked_add(size)?)
            })
            .ok_or(MemoryError::NotRam(range))
    }

    fn bytes_mut(&mut self, range: PhysRange) -> Result<&mut [u8], MemoryError> {
        Err(MemoryError::NotRam(range))
    }

    fn read(&self, address: PhysAddr, _: Width) -> Result<u64, MemoryError> {
        Err(MemoryError::Unaddressable(address))
    }

    fn write(&mut self, address: PhysAddr, _: Width, _: u64) -> Result<(), MemoryError> {
        Err(MemoryError::Unaddressable(address))
    }

    fn keep(&mut self, _: PhysRange, _: &'static str) {
        unreachable!()
    }

    fn release(&mut self, _: PhysRange) {
        unreachable!()
    }
}

#[test]
fn takes_trees_from_memory() {
    let blob = compile(SOURCE);
    let mut ram = Ram(blob.clone());
    let taken = address::take(&ram, 0x1000, None).unwrap();
    assert_eq!(taken.source(), Some(PhysAddr::new(0x1000)));
    assert_eq!(taken.padding(), 0);
    let needed = taken.dtb_size(0).unwrap();
    let longer = address::take(&ram, 0x1000, Some(needed as u64 + 64)).unwrap();
    assert_eq!(longer.padding(), 64);
    let refused =
        |ram: &Ram, address, length| address::take(ram, address, length).unwrap_err().to_string();
    assert_eq!(
        refused(&ram, 0x1000, Some(8)),
        format!("a length of 0x8 does not do for a tree of {needed:#x} bytes")
    );
    assert_eq!(
        refused(&ram, 0x2000, None),
        "[0x00002000-0x00002027] is not in RAM"
    );
    assert_eq!(
        refused(&ram, u64::MAX, None),
        "0x28 bytes at 0xffffffffffffffff leave the address space"
    );
    ram.0[0] = 0;
    assert_eq!(
        refused(&ram, 0x1000, None),
        "no device tree: magic is 0x000dfeed, not 0xd00dfeed"
    );
    // The size in the header leaves the RAM.
    ram.0 = blob;
    ram.0[4] = 0x7f;
    assert!(refused(&ram, 0x1000, None).ends_with("is not in RAM"));
}

/// `get` writes what comes from outside into the environment, under any name. Found by fuzzing.
#[test]
fn get_sets_only_what_the_environment_takes() {
    let mut board = crate::boot::testing::Board::new(&[]);
    for (name, refusal) in [
        ("a=b", "illegal character"),
        ("\u{1}", "cannot name a variable"),
    ] {
        let line = format!("fdt get value {name} /chosen bootargs");
        let found = board.refuses(&line);
        assert!(found.contains(refusal), "{found}");
    }
    board.bootargs = Some("x".repeat(crate::env::CAPACITY - 100));
    let name = "v".repeat(100);
    let found = board.refuses(&format!("fdt get value {name} /chosen bootargs"));
    assert!(found.contains("no room for"), "{found}");
}
