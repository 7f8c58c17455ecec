//! The witness: a payload that prints the state it was entered in, and whether that is what a
//! payload is owed. What it judges is in the library beside this; here is only what touches the
//! machine.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod target;

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("report: a payload for thumbv7a-none-eabi; it does not run on the host");
    std::process::ExitCode::FAILURE
}
