//! `imagesize INPUT.elf`: what the bytes of an image go to, by crate and module.
#![forbid(unsafe_code)]

use std::{cmp::Reverse, collections::BTreeMap, env, fs, process::ExitCode};

use goblin::elf::{Elf, sym::STT_FUNC};

/// Functions of LLVM's outliner: what several others have in common.
const OUTLINED: &str = "OUTLINED_FUNCTION";

/// Bytes and functions of a crate or module.
#[derive(Default)]
struct Share {
    bytes: u64,
    functions: u32,
}

/// Returns whose function it is: crate and first module, of the commands the command too. An
/// implementation belongs to its type's crate. What is inlined belongs to its caller.
fn owner(symbol: &str) -> String {
    if symbol.starts_with(OUTLINED) {
        return "(outlined from several)".to_owned();
    }
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    let path = name.trim_start_matches(|letter: char| "<&([ ".contains(letter));
    let path = path.trim_start_matches("dyn ").trim_start_matches("mut ");
    let end = path.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_:".contains(letter));
    let mut words = path
        .get(..end.unwrap_or(path.len()))
        .unwrap_or(path)
        .split("::");
    let mut owner = words.next().unwrap_or_default().to_owned();
    // Functions in assembly and the entry points have plain names.
    if !name.contains("::") {
        return "(entry points, assembly, primitive types)".to_owned();
    }
    let modules = words.take_while(|word| word.starts_with(|letter: char| letter.is_lowercase()));
    for (depth, module) in modules.enumerate() {
        if depth > 0 && owner != "baton_core::commands" {
            break;
        }
        owner = format!("{owner}::{module}");
    }
    owner
}

fn run(path: &str) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let elf = Elf::parse(&bytes).map_err(|error| format!("{path}: {error}"))?;
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    let mut seen: Vec<u64> = Vec::new();
    let mut counted = 0;
    let functions = elf
        .syms
        .iter()
        .filter(|symbol| symbol.st_type() == STT_FUNC);
    for symbol in functions.filter(|symbol| symbol.st_size > 0) {
        // Identical functions are folded: several names for one place.
        if seen.contains(&symbol.st_value) {
            continue;
        }
        seen.push(symbol.st_value);
        let name = elf.strtab.get_at(symbol.st_name).unwrap_or_default();
        let share = shares.entry(owner(name)).or_default();
        share.bytes += symbol.st_size;
        share.functions += 1;
        counted += symbol.st_size;
    }
    let mut rows: Vec<(String, Share)> = shares.into_iter().collect();
    rows.sort_by_key(|(_, share)| Reverse(share.bytes));
    for (name, share) in rows {
        println!("{:>8}  {:>5}  {name}", share.bytes, share.functions);
    }
    println!("{counted:>8}         all functions");
    for section in &elf.section_headers {
        let name = elf.shdr_strtab.get_at(section.sh_name).unwrap_or_default();
        if [".text", ".data", ".rodata"].contains(&name) {
            println!("{:>8}         section {name}", section.sh_size);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: imagesize INPUT.elf");
        return ExitCode::FAILURE;
    };
    match run(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("imagesize: {error}");
            ExitCode::FAILURE
        }
    }
}
