//! `mkzimage INPUT.elf OUTPUT.zimg`: makes a zImage-format file from a linked ELF.
#![forbid(unsafe_code)]

use std::{env, ffi::OsString, fs, process::ExitCode};

fn run(arguments: &[OsString]) -> Result<String, String> {
    let [input, output] = arguments else {
        return Err("usage: mkzimage INPUT.elf OUTPUT.zimg".to_owned());
    };
    let named =
        |path: &OsString, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let elf = fs::read(input).map_err(|error| named(input, &error))?;
    let image = mkzimage::make(&elf).map_err(|error| named(input, &error))?;
    fs::write(output, &image.bytes).map_err(|error| named(output, &error))?;
    Ok(format!("{}: {}", input.display(), image.summary))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match run(&arguments) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mkzimage: {error}");
            ExitCode::FAILURE
        }
    }
}
