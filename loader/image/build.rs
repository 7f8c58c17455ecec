//! Gives the linker its script and asks it to keep the relocations for mkzimage.

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
    println!("cargo:rerun-if-changed=build.rs");
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    for argument in [
        format!("-T{folder}/link.ld"),
        "--emit-relocs".into(),
        "--no-dynamic-linker".into(),
        // Functions of the same instructions become one: nothing here compares their addresses.
        "--icf=all".into(),
        // Strings that end alike share their ends.
        "-O2".into(),
        "-zmax-page-size=4096".into(),
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
