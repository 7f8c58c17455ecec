//! The squatter: a payload that does to HYP what a live hypervisor does, and then enters the
//! loader (its initrd) as a careless kernel would by kexec, without cleaning up.
//!
//! What it leaves behind, and from where it jumps, is said by the word `squat=WAY[,cpus]` on the
//! command line; README.md has the list.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod target;

#[cfg(target_os = "none")]
#[aarch32_rt::entry]
fn main() -> ! {
    target::main()
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("squatter: a payload for thumbv7a-none-eabi; it does not run on the host");
    std::process::ExitCode::FAILURE
}
