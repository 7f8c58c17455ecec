//! `gpio-restart` and `gpio-poweroff`: a line that resets the machine or turns it off, for
//! somebody who runs in secure state.

use super::{NodeId, WorkingTree, early::is_enabled, fixups::has_compatible};

/// A line of a GPIO controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerLine {
    /// Where the controller's registers are.
    pub base: u64,
    /// Which line.
    pub line: u32,
    /// It acts when it is low.
    pub active_low: bool,
}

/// GPIO_ACTIVE_LOW, in the flags of a `gpios` entry.
const ACTIVE_LOW: u32 = 1;

/// Finds the line of the node with this `compatible`, if its controller has one of
/// `controllers`. Both are looked for among the root's children; secure state's own too, whose
/// `status` is for the others (`secure-status`).
pub fn power_line(tree: &WorkingTree, compatible: &str, controllers: &[&str]) -> Option<PowerLine> {
    let usable = |node| {
        let status = tree.property(node, "secure-status");
        status
            .or(tree.property(node, "status"))
            .is_none_or(is_enabled)
    };
    let mut nodes = tree.children(tree.root());
    let node = nodes.find(|&node| has_compatible(tree, node, &[compatible]) && usable(node))?;
    let (cells, _) = tree.property(node, "gpios")?.as_chunks::<4>();
    let &[phandle, line, flags] = cells else {
        return None;
    };
    let mut nodes = tree.children(tree.root());
    let controller = nodes.find(|&node| tree.property(node, "phandle") == Some(&phandle))?;
    if !has_compatible(tree, controller, controllers) || !usable(controller) {
        return None;
    }
    Some(PowerLine {
        base: base(tree, controller)?,
        line: u32::from_be_bytes(line),
        active_low: u32::from_be_bytes(flags) & ACTIVE_LOW != 0,
    })
}

/// The start of a node's first `reg` window, in the root's cells.
fn base(tree: &WorkingTree, node: NodeId) -> Option<u64> {
    let cells = tree.cells(tree.root());
    let window = cells.ranges(tree.property(node, "reg")?).next()??;
    Some(window.start().as_u64())
}

#[cfg(test)]
mod tests {
    use super::{super::testing::tree, *};

    /// QEMU's virt with `secure=on`.
    const VIRT: &str = r#"/dts-v1/; / {
        #address-cells = <2>; #size-cells = <2>;
        gpio-restart {
            secure-status = "okay"; status = "disabled";
            gpios = <0x8006 1 0>; compatible = "gpio-restart";
        };
        gpio-poweroff { gpios = <0x8006 0 1>; compatible = "gpio-poweroff"; };
        pl061@90b0000 {
            secure-status = "okay"; status = "disabled"; phandle = <0x8006>;
            compatible = "arm,pl061", "arm,primecell"; reg = <0 0x90b0000 0 0x1000>;
        };
    };"#;

    fn line(source: &str, compatible: &str) -> Option<PowerLine> {
        power_line(&tree(source), compatible, &["arm,pl061"])
    }

    #[test]
    fn finds_the_lines_of_secure_state() {
        let expected = PowerLine {
            base: 0x090b_0000,
            line: 1,
            active_low: false,
        };
        assert_eq!(line(VIRT, "gpio-restart"), Some(expected));
        let off = PowerLine {
            line: 0,
            active_low: true,
            ..expected
        };
        assert_eq!(line(VIRT, "gpio-poweroff"), Some(off));
    }

    #[test]
    fn what_is_disabled_or_unknown_is_none() {
        assert_eq!(line(VIRT, "gpio-leds"), None);
        let disabled = VIRT.replace("secure-status = \"okay\";", "");
        assert_eq!(line(&disabled, "gpio-restart"), None);
        assert_eq!(line(&disabled, "gpio-poweroff"), None);
        let other = VIRT.replace("arm,pl061", "vendor,gpio");
        assert_eq!(line(&other, "gpio-restart"), None);
        let nobody = VIRT.replace("<0x8006 1 0>", "<0x8007 1 0>");
        assert_eq!(line(&nobody, "gpio-restart"), None);
        let short = VIRT.replace("<0x8006 1 0>", "<0x8006 1>");
        assert_eq!(line(&short, "gpio-restart"), None);
    }
}
