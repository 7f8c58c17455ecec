//! The witness: a payload that prints the state it was entered in, and whether that is what a
//! payload is owed. What it judges is the crate `witness`; what touches the machine is
//! `payload-runtime`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
#[aarch32_rt::entry]
fn main() -> ! {
    use payload_runtime::{Scene, report};

    let scene = Scene::open();
    let survey = scene.survey();
    let evidence = scene.evidence(&survey);
    scene.print(&evidence);
    witness::judge(&evidence, &mut report::Printer);
    report::finish()
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("report: a payload for thumbv7a-none-eabi; it does not run on the host");
    std::process::ExitCode::FAILURE
}
