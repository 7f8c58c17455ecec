//! Overlays against `fdtoverlay` of device-tree-compiler, and broken ones.

use std::{fs, process::Command, sync::LazyLock};

use alloc::string::ToString;
use proptest::prelude::*;

use super::*;
use crate::devicetree::testing::printed;

/// Compiles with labels kept (`-@`).
fn compile(source: &str) -> Vec<u8> {
    let mut dtc = Command::new("dtc")
        .args(["-q", "-@", "-I", "dts", "-O", "dtb", "-o", "-", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut dtc.stdin.take().unwrap(), source.as_bytes()).unwrap();
    let output = dtc.wait_with_output().unwrap();
    assert!(output.status.success(), "dtc refused:\n{source}");
    output.stdout
}

fn load(source: &str) -> WorkingTree {
    WorkingTree::load(&compile(source)).unwrap()
}

/// Prints a tree with its nodes and properties sorted: the order is nobody's promise.
fn sorted(blob: &[u8]) -> String {
    let folder = std::env::temp_dir().join(std::format!(
        "overlay-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tree.dtb");
    fs::write(&path, blob).unwrap();
    let output = Command::new("dtc")
        .args(["-q", "-s", "-I", "dtb", "-O", "dts"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success());
    fs::remove_dir_all(&folder).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Applies with fdtoverlay.
fn judge(base: &[u8], overlays: &[&[u8]]) -> Vec<u8> {
    let folder = std::env::temp_dir().join(std::format!(
        "fdtoverlay-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir_all(&folder).unwrap();
    let (input, output) = (folder.join("base.dtb"), folder.join("out.dtb"));
    fs::write(&input, base).unwrap();
    let mut command = Command::new("fdtoverlay");
    command.arg("-i").arg(&input).arg("-o").arg(&output);
    for (index, overlay) in overlays.iter().enumerate() {
        let path = folder.join(std::format!("{index}.dtbo"));
        fs::write(&path, overlay).unwrap();
        command.arg(path);
    }
    let status = command.status().unwrap();
    assert!(status.success());
    let merged = fs::read(output).unwrap();
    fs::remove_dir_all(folder).unwrap();
    merged
}

const BASE: &str = r#"/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    gic: interrupt-controller@8000000 { interrupt-controller; };
    clk: clock { #clock-cells = <0>; };
    soc: soc {
        #address-cells = <1>;
        #size-cells = <1>;
        uart0: uart@1000 { reg = <0x1000 0x100>; status = "disabled"; clocks = <&clk>; };
        i2c0: i2c@2000 { #address-cells = <1>; #size-cells = <0>; reg = <0x2000 0x100>; };
    };
    chosen { };
};
"#;

const OVERLAY: &str = r#"/dts-v1/;
/plugin/;
&uart0 { status = "okay"; interrupt-parent = <&gic>; clocks = <&clk>, <&fast>; };
&i2c0 {
    expander: gpio@20 { reg = <0x20>; #gpio-cells = <2>; gpio-controller; };
    button@21 { reg = <0x21>; gpios = <&expander 3 0>, <&expander 4 1>; parent = <&gic &clk>; };
};
/ {
    fragment@99 {
        target-path = "/";
        __overlay__ {
            fast: fast-clock { #clock-cells = <0>; clocks = <&clk>; note = "new"; };
            chosen { bootargs = "quiet"; };
        };
    };
};
"#;

/// Uses a label that the first overlay brought.
const SECOND: &str = r#"/dts-v1/;
/plugin/;
&expander { ngpios = <8>; lines: lines { which = <&expander>, <&lines>; }; };
"#;

#[test]
fn merges_as_fdtoverlay_does() {
    let (base, first, second) = (compile(BASE), compile(OVERLAY), compile(SECOND));
    let mut tree = WorkingTree::load(&base).unwrap();
    apply(&mut tree, WorkingTree::load(&first).unwrap()).unwrap();
    assert_eq!(
        sorted(&tree.to_dtb(0).unwrap()),
        sorted(&judge(&base, &[&first]))
    );
    apply(&mut tree, WorkingTree::load(&second).unwrap()).unwrap();
    assert_eq!(
        sorted(&tree.to_dtb(0).unwrap()),
        sorted(&judge(&base, &[&first, &second]))
    );
    let uart = tree.find("/soc/uart@1000").unwrap();
    assert_eq!(tree.text(uart, "status"), Some("okay"));
}

/// Old fdtoverlay overwrites the phandle, and who held it is led astray.
#[test]
fn a_node_that_is_there_keeps_its_phandle() {
    let mut tree = load(BASE);
    let clock = tree.find("/clock").unwrap();
    let phandle = tree.phandle(clock).unwrap();
    let overlay = load(
        "/dts-v1/; /plugin/; / { fragment@0 { target-path = \"/\"; __overlay__ {
            mine: clock { rate = <5>; }; user { clocks = <&mine>; };
        }; }; };",
    );
    apply(&mut tree, overlay).unwrap();
    assert_eq!(tree.phandle(clock), Some(phandle));
    let user = tree.find("/user").unwrap();
    assert_eq!(tree.property(user, "clocks").and_then(cell), Some(phandle));
    assert_eq!(tree.property(clock, "rate").and_then(cell), Some(5));
}

fn refused(base: &str, overlay: &str) -> OverlayError {
    apply(&mut load(base), load(overlay)).unwrap_err()
}

#[test]
fn what_does_not_fit_is_named() {
    let nothing = "/dts-v1/; / { };";
    assert_eq!(refused(BASE, nothing), OverlayError::Empty);
    assert_eq!(refused(nothing, SECOND), OverlayError::NoSymbols);
    assert_eq!(
        refused(BASE, SECOND),
        OverlayError::NoSymbol("expander".into())
    );
    let fragment = |inside: &str| {
        std::format!("/dts-v1/; / {{ fragment@0 {{ {inside} __overlay__ {{ a = <1>; }}; }}; }};")
    };
    for target in ["", "target-path = \"/no\";", "target = <0x77>;", "target;"] {
        assert_eq!(
            refused(BASE, &fragment(target)),
            OverlayError::NoTarget("fragment@0".into()),
            "{target}"
        );
    }
    let with = |inside: &str, more: &str| {
        std::format!(
            "/dts-v1/; / {{ fragment@0 {{ target-path = \"/\"; __overlay__ {{ {inside} }}; }};
             {more} }};"
        )
    };
    for place in [
        "",
        ":",
        "/fragment@0:target",
        "/fragment@0:a:0",
        "/no:a:0",
        "/fragment@0/__overlay__:a:1",
        "/fragment@0/__overlay__:a:x",
        "/fragment@0/__overlay__:a:99999999999999999999",
    ] {
        let fixups = std::format!("__fixups__ {{ clk = \"{place}\"; }};");
        let found = refused(BASE, &with("a = <1>;", &fixups));
        assert!(
            matches!(found, OverlayError::BadFixup(_)),
            "{place}: {found}"
        );
    }
    for local in [
        "b = <0>;",
        "fragment@0 { a = <0>; };",
        "fragment@0 { __overlay__ { a = <2>; }; };",
        "none { };",
    ] {
        let fixups = std::format!("__local_fixups__ {{ {local} }};");
        let found = refused(BASE, &with("a = <1>;", &fixups));
        assert!(
            matches!(found, OverlayError::BadFixup(_)),
            "{local}: {found}"
        );
    }
    let overlay = with("a { phandle = <0xfffffff0>; };", "");
    assert_eq!(
        refused(
            &BASE.replace("clk: clock {", "clk: clock { phandle = <0x70>;"),
            &overlay
        ),
        OverlayError::Phandles
    );
    let text = OverlayError::NoNode {
        label: "a".into(),
        path: "/b".into(),
    }
    .to_string();
    assert_eq!(text, "the label a leads to /b, which has no phandle");
}

proptest! {
    /// Whatever is broken in an overlay, the outcome is a tree or an error.
    #[test]
    fn mutants_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        static BLOBS: LazyLock<(Vec<u8>, Vec<u8>)> =
            LazyLock::new(|| (compile(OVERLAY), compile(BASE)));
        let mut blob = BLOBS.0.clone();
        for (at, value) in changes {
            let at = at.index(blob.len());
            blob[at] = value;
        }
        if let Ok(overlay) = WorkingTree::load(&blob) {
            let mut tree = WorkingTree::load(&BLOBS.1).unwrap();
            if apply(&mut tree, overlay).is_ok() {
                let _ = printed(&tree);
                prop_assert!(tree.to_dtb(0).is_ok());
            }
        }
    }
}
