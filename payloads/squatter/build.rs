//! Links the payload by the payloads' script: at address 0, with the relocations kept for
//! `mkzimage`.

fn main() {
    println!("cargo:rerun-if-changed=../runtime/link.x");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo:rustc-link-arg-bins=-T{directory}/../runtime/link.x");
    println!("cargo:rustc-link-arg-bins=--emit-relocs");
    // Nothing maps these segments: no page boundary between them.
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
