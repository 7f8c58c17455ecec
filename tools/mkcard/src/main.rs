//! `mkcard`: makes an SD-card image from a recipe, or from what the command line says.
#![forbid(unsafe_code)]

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use mkcard::{Card, Error, Recipe, parse_size};

const USAGE: &str = "\
usage: mkcard --recipe RECIPE --from FOLDER --output IMAGE
       mkcard --size SIZE [--label LABEL] [--boot-script FILE] --output IMAGE FILE[=NAME]...";

#[derive(Default)]
struct Arguments {
    recipe: Option<PathBuf>,
    from: PathBuf,
    output: Option<PathBuf>,
    direct: Recipe,
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, Error> {
    let usage = || Error::Usage(USAGE.to_owned());
    let mut parsed = Arguments::default();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if !argument.starts_with("--") {
            let (source, name) = match argument.split_once('=') {
                Some((source, name)) => (source, name.to_owned()),
                None => {
                    let name = Path::new(&argument).file_name();
                    let name = name.ok_or_else(usage)?.to_string_lossy().into_owned();
                    (argument.as_str(), name)
                }
            };
            parsed.direct.files.push((source.into(), name));
            continue;
        }
        let value = arguments.next().ok_or_else(usage)?;
        match argument.as_str() {
            "--recipe" => parsed.recipe = Some(value.into()),
            "--from" => parsed.from = value.into(),
            "--output" => parsed.output = Some(value.into()),
            "--size" => parsed.direct.size = parse_size(&value).ok_or_else(usage)?,
            "--label" => parsed.direct.label = Some(value),
            "--boot-script" => parsed.direct.boot_script = Some(value.into()),
            _ => return Err(usage()),
        }
    }
    Ok(parsed)
}

fn run() -> Result<String, Error> {
    let arguments = parse(env::args().skip(1))?;
    let output = arguments
        .output
        .ok_or_else(|| Error::Usage(USAGE.to_owned()))?;
    let card = match &arguments.recipe {
        None => Card::gather(&arguments.direct, Path::new(""), &arguments.from)?,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Error::Io {
                path: path.clone(),
                error,
            })?;
            let beside = path.parent().unwrap_or(Path::new(""));
            Card::gather(&Recipe::parse(&text)?, beside, &arguments.from)?
        }
    };
    card.write(&output)?;
    let bytes: usize = card.files.iter().map(|file| file.bytes.len()).sum();
    Ok(format!(
        "{}: {} MiB, {} files of {bytes} bytes",
        output.display(),
        card.size >> 20,
        card.files.len()
    ))
}

fn main() -> ExitCode {
    match run() {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mkcard: {error}");
            ExitCode::FAILURE
        }
    }
}
