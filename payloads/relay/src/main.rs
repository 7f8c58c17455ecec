//! The fast soak: a payload that judges the state it was entered in as the witness does, counts,
//! and enters the loader again straight away, as a kernel would by kexec.
//!
//! The loader's image is its initrd. The count travels in the command line: this hop's number
//! comes in `/chosen/bootargs`, the next one goes out there, through the loader and back. The
//! first hop prints the whole report, the others a line each, unless a rule fails.
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
    eprintln!("relay: a payload for thumbv7a-none-eabi; it does not run on the host");
    std::process::ExitCode::FAILURE
}
