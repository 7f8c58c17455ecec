//! docs/commands.md is what the descriptors say.

use std::{fs, path::Path};

#[test]
fn the_command_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let page = baton_core::commands::reference::render();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs/commands.md can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/commands.md is stale: run UPDATE_DOCS=1 cargo test -p baton-core --test reference"
    );
}
