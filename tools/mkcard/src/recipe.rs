//! A card as data: one `keyword value` a line.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// What goes on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// Bytes of the card.
    pub size: u64,
    /// The volume's label.
    pub label: Option<String>,
    /// The text of `boot.scr`, as a path beside the recipe.
    pub boot_script: Option<PathBuf>,
    /// Files beside the recipe, and names at the root.
    pub texts: Vec<(PathBuf, String)>,
    /// Sources, relative to the build folder, and names at the root.
    pub files: Vec<(PathBuf, String)>,
    /// Byte offsets, and sources of what lies there outside any file: what a boot ROM loads.
    pub raw: Vec<(u64, PathBuf)>,
}

impl Recipe {
    /// Reads a recipe. Lines are `size 256M`, `label NAME`, `boot-script FILE`,
    /// `text FILE NAME`, `file SOURCE [NAME]` and `raw OFFSET SOURCE`; `#` starts a comment line.
    ///
    /// # Errors
    /// Names the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut recipe = Self::default();
        for (index, line) in text.lines().enumerate() {
            let bad = |why: &str| Error::Recipe {
                line: index + 1,
                why: format!("{why}: {}", line.trim()),
            };
            let words: Vec<&str> = line.split_whitespace().collect();
            match *words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["size", size] => {
                    recipe.size = parse_size(size).ok_or_else(|| bad("not a size"))?;
                }
                ["label", label] => recipe.label = Some(label.to_owned()),
                ["boot-script", path] => recipe.boot_script = Some(path.into()),
                ["text", path, name] => recipe.texts.push((path.into(), name.to_owned())),
                ["file", source] => {
                    recipe.files.push((
                        source.into(),
                        file_name(source).ok_or_else(|| bad("no file name"))?,
                    ));
                }
                ["raw", offset, source] => {
                    let offset = parse_size(offset).ok_or_else(|| bad("not an offset"))?;
                    recipe.raw.push((offset, source.into()));
                }
                ["file", source, name] => recipe.files.push((source.into(), name.to_owned())),
                _ => return Err(bad("not understood")),
            }
        }
        if recipe.size == 0 {
            return Err(Error::Recipe {
                line: 0,
                why: "no size".to_owned(),
            });
        }
        Ok(recipe)
    }
}

/// Returns the last part of a path.
pub(crate) fn file_name(path: &str) -> Option<String> {
    Some(Path::new(path).file_name()?.to_str()?.to_owned())
}

/// Parses bytes with an optional binary suffix `K`, `M` or `G`.
pub fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (end, 'K') => (text.get(..end)?, 1 << 10),
        (end, 'M') => (text.get(..end)?, 1 << 20),
        (end, 'G') => (text.get(..end)?, 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_line() {
        let recipe = Recipe::parse(
            "# a card\n size 64M\n\nlabel CARD\nboot-script a.cmd\nfile kernel/zImage\n\
             text a.txt b.txt\nfile x/y z\nraw 8K spl.bin\n",
        )
        .unwrap();
        assert_eq!(recipe.size, 64 << 20);
        assert_eq!(recipe.label.as_deref(), Some("CARD"));
        assert_eq!(recipe.boot_script, Some("a.cmd".into()));
        let expected = [
            ("kernel/zImage".into(), "zImage".to_owned()),
            ("x/y".into(), "z".to_owned()),
        ];
        assert_eq!(recipe.files, expected);
        assert_eq!(recipe.texts, [("a.txt".into(), "b.txt".to_owned())]);
        assert_eq!(recipe.raw, [(8192, "spl.bin".into())]);
    }

    #[test]
    fn the_boards_are_understood() {
        let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards");
        let mut seen = 0;
        for entry in std::fs::read_dir(&boards).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "card") {
                let recipe = Recipe::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
                let texts = recipe.texts.into_iter().map(|(source, _)| source);
                for beside in recipe.boot_script.into_iter().chain(texts) {
                    assert!(boards.join(&beside).is_file(), "{path:?}: {beside:?}");
                }
                seen += 1;
            }
        }
        assert!(seen > 0);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, words) in [
            ("size 64M\nfile\n", "line 2: not understood: file"),
            ("raw x y\n", "line 1: not an offset: raw x y"),
            ("size 64X\n", "line 1: not a size: size 64X"),
            ("size 64M\nfile ..\n", "line 2: no file name: file .."),
            ("label A\n", "no size"),
        ] {
            let error = Recipe::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("4K"), Some(4096));
        assert_eq!(parse_size("2G"), Some(2 << 30));
        for text in ["", "M", "1.5M", "-1", "99999999999G", "1m"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text(text in any::<String>()) {
            let _ = Recipe::parse(&text);
            let _ = parse_size(&text);
        }
    }
}
