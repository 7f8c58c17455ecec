//! From Debian's Linux into Baton by stock `kexec`, and out again.

use harness::{Card, Machine, Result, Session, ensure, flow, here, linux, witness};

/// What Baton's prompt knows of its tree and would do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct View {
    tree: String,
    header: String,
    map: String,
    memory: String,
}

fn view(session: &mut Session) -> Result<View> {
    Ok(View {
        tree: session.run_ok("fdt print")?,
        header: session.run_ok("fdt header")?,
        map: session.run_ok("bootz -n zImage lab.img")?,
        memory: session.run_ok("bdinfo")?,
    })
}

/// Returns the lines that only one of two texts has.
fn differences(one: &str, other: &str) -> Vec<String> {
    let only = |one: &str, other: &str| -> Vec<String> {
        let lines = one
            .lines()
            .filter(|line| !other.lines().any(|l| l == *line));
        lines.map(str::to_owned).collect()
    };
    let mut lines = only(one, other);
    lines.extend(only(other, one));
    lines
}

/// Five times round, and nothing adds up: not a reservation, not a byte of the tree, the same map.
/// Then the witness finds everything as if no kernel had ever run.
#[test]
fn five_times_round() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let from_uboot = view(&mut session)?;
    let mut first = None;
    for _ in 0..5 {
        linux::boot_lab(&mut session, "HYP", 2)?;
        linux::kexec_to_prompt(&mut session)?;
        let now = view(&mut session)?;
        let first = first.get_or_insert_with(|| now.clone());
        assert_eq!(*first, now);
    }
    println!(
        "{:#?}",
        differences(&from_uboot.tree, &first.clone().unwrap().tree)
    );
    println!(
        "{:#?}",
        differences(&from_uboot.header, &first.clone().unwrap().header)
    );
    println!(
        "{:#?}",
        differences(&from_uboot.map, &first.clone().unwrap().map)
    );
    println!(
        "{:#?}",
        differences(&from_uboot.memory, &first.clone().unwrap().memory)
    );
    witness::boot(&mut session).map(drop)
}
