//! The working tree.

use alloc::{format, string::ToString, vec, vec::Vec};

use super::{
    Header, MAX_DEPTH, TreeError, WorkingTree, check,
    testing::{printed, tree},
};

const SOURCE: &str = r#"/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
    #address-cells = <1>;
    aliases { serial0 = "/soc/uart@1000"; loop = "loop"; };
    chosen { bootargs = "quiet"; };
    soc {
        uart@1000 { reg = <0x1000 0x100>; status = "okay"; };
        uart@2000 { reg = <0x2000 0x100>; };
    };
};
"#;

fn reloaded(tree: &WorkingTree) -> WorkingTree {
    WorkingTree::load(&tree.to_dtb(0).unwrap()).unwrap()
}

#[test]
fn an_unchanged_tree_is_written_as_it_was() {
    let tree = tree(SOURCE);
    let again = reloaded(&tree);
    assert_eq!(printed(&again), printed(&tree));
    assert_eq!(again.reservations(), [(0x1000, 0x2000)]);
}

#[test]
fn paths_aliases_and_names_without_address_find_nodes() {
    let tree = tree(SOURCE);
    let uart = tree.find("/soc/uart@2000").unwrap();
    assert_eq!(tree.path(uart), "/soc/uart@2000");
    assert_eq!(tree.name(uart), "uart@2000");
    assert_eq!(tree.path(tree.find("serial0").unwrap()), "/soc/uart@1000");
    assert_eq!(tree.path(tree.find("/soc/uart").unwrap()), "/soc/uart@1000");
    assert_eq!(tree.find("/"), Some(tree.root()));
    assert_eq!(tree.find("/soc//uart@1000/"), tree.find("serial0"));
    for missing in ["/soc/uar", "/soc/uart@3000", "serial1", "loop", ""] {
        assert_eq!(tree.find(missing), None, "{missing}");
    }
    assert_eq!(
        tree.node("/nope").unwrap_err().to_string(),
        "no such node: /nope"
    );
}

#[test]
fn edits_survive_writing() {
    let mut tree = tree(SOURCE);
    let chosen = tree.find("/chosen").unwrap();
    tree.set_property(chosen, "bootargs", b"ro\0").unwrap();
    tree.set_property(chosen, "bootargs", b"rw\0").unwrap();
    tree.set_property(chosen, "new,property", b"").unwrap();
    let module = tree.make_node(chosen, "module@0").unwrap();
    tree.set_property(module, "reg", &[0, 0, 0, 1]).unwrap();
    let uart = tree.find("serial0").unwrap();
    assert!(tree.remove_property(uart, "reg"));
    assert!(!tree.remove_property(uart, "reg"));
    tree.remove_node(tree.find("/soc/uart@2000").unwrap())
        .unwrap();
    let expected = "/ {\n\t#address-cells = <0x00000001>;\n\
        \taliases {\n\t\tserial0 = \"/soc/uart@1000\";\n\t\tloop = \"loop\";\n\t};\n\
        \tchosen {\n\t\tbootargs = \"rw\";\n\t\tnew,property;\n\
        \t\tmodule@0 {\n\t\t\treg = <0x00000001>;\n\t\t};\n\t};\n\
        \tsoc {\n\t\tuart@1000 {\n\t\t\tstatus = \"okay\";\n\t\t};\n\t};\n};\n";
    assert_eq!(printed(&tree), expected);
    assert_eq!(printed(&reloaded(&tree)), expected);
}

#[test]
fn lists_stay_linked_when_their_ends_go() {
    let mut tree = WorkingTree::load(
        &tree("/dts-v1/; / { a; b; c; x {}; y {}; z {}; };")
            .to_dtb(0)
            .unwrap(),
    )
    .unwrap();
    let root = tree.root();
    for name in ["c", "a", "b"] {
        assert!(tree.remove_property(root, name));
    }
    tree.set_property(root, "d", b"").unwrap();
    for name in ["z", "x", "y"] {
        tree.remove_node(tree.child(root, name).unwrap()).unwrap();
    }
    tree.make_node(root, "w").unwrap();
    assert_eq!(printed(&reloaded(&tree)), "/ {\n\td;\n\tw {\n\t};\n};\n");
}

#[test]
fn bad_edits_are_refused_and_change_nothing() {
    let mut tree = tree(SOURCE);
    let before = printed(&tree);
    let root = tree.root();
    assert_eq!(tree.remove_node(root), Err(TreeError::RemoveRoot));
    assert_eq!(
        tree.make_node(root, "soc"),
        Err(TreeError::NodeExists("/soc".into()))
    );
    for name in ["", "a/b", "a b", "a\0", "\u{e4}"] {
        let bad = TreeError::BadName(name.into());
        assert_eq!(tree.make_node(root, name), Err(bad.clone()), "{name:?}");
        assert_eq!(tree.set_property(root, name, b""), Err(bad), "{name:?}");
    }
    assert_eq!(printed(&reloaded(&tree)), before);
    let gone = tree.find("/soc").unwrap();
    tree.remove_node(gone).unwrap();
    assert_eq!(tree.remove_node(gone), Err(TreeError::RemoveRoot));
}

#[test]
fn what_we_write_is_never_too_deep_to_read() {
    let mut tree = tree("/dts-v1/; / { };");
    let mut node = tree.root();
    for _ in 1..MAX_DEPTH {
        node = tree.make_node(node, "n").unwrap();
    }
    assert!(tree.make_node(node, "n").is_err());
    check(&tree.to_dtb(0).unwrap()).unwrap();
}

#[test]
fn the_header_tells_the_truth() {
    let mut tree = tree(SOURCE);
    tree.set_boot_cpu(0x101);
    tree.add_reservation(0x8000, 0);
    tree.add_reservation(0x8000, 16);
    tree.add_reservation(0x8000, 16);
    for padding in [0, 1, 4096] {
        let blob = tree.to_dtb(padding).unwrap();
        let header = Header::parse(&blob).unwrap();
        assert_eq!(header.totalsize as usize, blob.len());
        assert_eq!(tree.dtb_size(padding), Ok(blob.len()));
        assert_eq!(blob.len() % 8, 0);
        assert_eq!(header.off_mem_rsvmap % 8, 0);
        assert_eq!(header.off_dt_struct % 8, 0);
        assert_eq!(header.boot_cpuid_phys, 0x101);
        let checked = check(&blob).unwrap();
        assert!(blob.len() - checked.used_size() >= padding);
        assert!(blob[checked.used_size()..].iter().all(|&byte| byte == 0));
        let entries: Vec<_> = checked.reservations().collect();
        assert_eq!(entries, [(0x1000, 0x2000), (0x8000, 16)]);
    }
}

#[test]
fn a_place_too_small_stays_untouched() {
    let tree = tree(SOURCE);
    let needed = tree.dtb_size(0).unwrap();
    let mut place = vec![0xaa; needed];
    assert_eq!(
        tree.write_dtb(&mut place[1..], 0),
        Err(TreeError::NoRoom {
            needed,
            room: needed - 1
        })
    );
    assert!(place.iter().all(|&byte| byte == 0xaa));
    assert_eq!(tree.write_dtb(&mut place, 0), Ok(needed));
    assert_eq!(place, tree.to_dtb(0).unwrap());
}

#[test]
fn padding_behind_the_blocks_is_not_taken_along() {
    let mut blob = super::testing::compile(SOURCE);
    let used = blob.len();
    blob.resize(1 << 20, 0x55);
    let total = u32::try_from(blob.len()).unwrap();
    blob[4..8].copy_from_slice(&total.to_be_bytes());
    assert!(check(&blob).unwrap().used_size() <= used);
    let tree = WorkingTree::load(&blob).unwrap();
    assert!(tree.to_dtb(0).unwrap().len() <= used.next_multiple_of(8));
}

#[test]
fn many_edits_of_one_property_keep_the_last() {
    let mut tree = tree(SOURCE);
    let root = tree.root();
    for round in 0..100 {
        let text = format!("{round}\0");
        tree.set_property(root, "model", text.as_bytes()).unwrap();
    }
    assert_eq!(tree.text(root, "model"), Some("99"));
    assert_eq!(reloaded(&tree).text(root, "model"), Some("99"));
}
