//! Variables: the environment, its defaults, what the first stage sets in it, what is saved.

mod bootargs;
pub mod flags;
mod given;
pub mod linear;
pub mod saved;
mod store;

use alloc::{string::String, vec::Vec};
use core::fmt;

pub use bootargs::{BootArguments, split_boot_arguments};
pub use store::{Store, Validity, load, save, start};

use flags::{Change, FlagsError};
use given::Given;

/// Bytes an environment may take as `name=value` and NUL each, and a NUL: what a saved one holds.
pub const CAPACITY: usize = saved::SIZE - saved::HEADER;

/// The variables a session starts with.
const DEFAULTS: &[(&str, &str)] = &[
    ("bootcmd", "bootz ${bootfile} ${initrdfile}"),
    ("bootdelay", "2"),
    ("bootfile", "zImage"),
    ("initrdfile", "initrd.img"),
];

/// The environment: variables sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Sorted by name. A few dozen: a map would search no faster, and take 5 KiB of the image.
    variables: Vec<(String, String)>,
    /// What was given for this boot alone.
    given: Vec<Given>,
}

impl Environment {
    /// Makes an environment of the defaults.
    pub fn with_defaults() -> Self {
        let mut environment = Self::default();
        for (name, value) in DEFAULTS {
            environment.set(name, value);
        }
        environment
    }

    /// Returns a variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.variables.get(self.find(name).ok()?)?;
        Some(value)
    }

    /// Sets a variable without any check; the `setenv` command checks the name first.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.find(name) {
            Ok(at) => {
                if let Some((_, old)) = self.variables.get_mut(at) {
                    *old = value.into();
                }
            }
            Err(at) => self.variables.insert(at, (name.into(), value.into())),
        }
    }

    /// Sets a variable that comes from outside, if `.flags` allows.
    ///
    /// # Errors
    /// A name that cannot be one, a value with a NUL, or no room left; or `.flags` forbids it.
    /// Nothing is changed.
    pub fn try_set(&mut self, name: &str, value: &str) -> Result<(), EnvError> {
        self.assign(name, value, false)
    }

    /// As [`Environment::try_set`]; but `force` sets what must not be overwritten, too.
    ///
    /// # Errors
    /// As [`Environment::try_set`].
    pub fn assign(&mut self, name: &str, value: &str, force: bool) -> Result<(), EnvError> {
        validate_name(name)?;
        self.check_flags(name, Some(value), force)?;
        self.restore(name, value)
    }

    /// Sets a variable that was saved: `.flags` had its say when it was set.
    ///
    /// # Errors
    /// As [`Environment::try_set`].
    pub fn restore(&mut self, name: &str, value: &str) -> Result<(), EnvError> {
        validate_name(name)?;
        if value.contains('\0') {
            return Err(EnvError::Nul(name.into()));
        }
        let replaced = self.get(name).map_or(0, |old| entry_size(name, old));
        let needed = self
            .size()
            .saturating_sub(replaced)
            .saturating_add(entry_size(name, value));
        if needed > CAPACITY {
            return Err(EnvError::Full {
                name: name.into(),
                needed,
            });
        }
        self.set(name, value);
        Ok(())
    }

    /// Removes a variable, if `.flags` allows or `force` is given; tells whether it was there.
    ///
    /// # Errors
    /// `.flags` forbids it.
    pub fn try_remove(&mut self, name: &str, force: bool) -> Result<bool, EnvError> {
        if self.get(name).is_some() {
            self.check_flags(name, None, force)?;
        }
        Ok(self.remove(name))
    }

    /// Asks `.flags` whether a variable may get a value, or be removed.
    fn check_flags(&self, name: &str, new: Option<&str>, force: bool) -> Result<(), EnvError> {
        let Some(list) = self.get(flags::VARIABLE) else {
            return Ok(());
        };
        let change = Change {
            name,
            old: self.get(name),
            new,
            default: self.default_value(name),
        };
        flags::lookup(list, name)
            .check(&change, force)
            .map_err(EnvError::Flags)
    }

    /// Takes over the kernel command line that the first stage gave: its `baton.NAME=VALUE`
    /// arguments become variables, the rest becomes `bootargs`. Returns why variables were
    /// not set; the others are.
    pub fn take_boot_arguments(&mut self, text: &str) -> Vec<EnvError> {
        let BootArguments { variables, rest } = split_boot_arguments(text);
        let rest = [("bootargs".into(), rest)];
        variables
            .into_iter()
            .chain(rest)
            .filter_map(|(name, value)| self.try_set(&name, &value).err())
            .collect()
    }

    /// Removes a variable; tells whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        match self.find(name) {
            Ok(at) => {
                self.variables.remove(at);
                true
            }
            Err(_) => false,
        }
    }

    /// Removes all variables.
    pub fn clear(&mut self) {
        self.variables.clear();
    }

    /// Returns where a variable is, or would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.variables
            .binary_search_by(|(other, _)| other.as_str().cmp(name))
    }

    /// Iterates over names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the bytes the variables take when saved, [`CAPACITY`] at most.
    pub fn size(&self) -> usize {
        self.iter()
            .fold(1, |size, (name, value)| size + entry_size(name, value))
    }
}

/// Returns the bytes of `name=value` and its NUL, as they are saved.
fn entry_size(name: &str, value: &str) -> usize {
    let doubled = value.bytes().filter(|byte| *byte == b'\\').count();
    name.len() + value.len() + doubled + 2
}

/// Checks a variable's name: not empty, printable ASCII without `=` and blanks.
///
/// # Errors
/// Names the name, and what is wrong with it.
pub fn validate_name(name: &str) -> Result<(), EnvError> {
    if name.contains('=') {
        Err(EnvError::EqualsInName(name.into()))
    } else if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(EnvError::BadName(name.into()))
    } else {
        Ok(())
    }
}

/// Why a variable was not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvError {
    /// The name contains `=`.
    EqualsInName(String),
    /// The name is empty, or has a blank, a control or a non-ASCII character.
    BadName(String),
    /// The value of this variable contains a NUL.
    Nul(String),
    /// The value of this variable is no text in UTF-8.
    NotText(String),
    /// `.flags` forbids it.
    Flags(FlagsError),
    /// The environment would become larger than [`CAPACITY`].
    Full {
        /// The variable.
        name: String,
        /// Bytes the environment would take.
        needed: usize,
    },
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // U-Boot's words, its missing blank included.
            Self::EqualsInName(name) => write!(
                f,
                "## Error: illegal character '='in variable name \"{name}\""
            ),
            Self::BadName(name) => {
                let name = name.escape_default();
                write!(f, "## Error: \"{name}\" cannot name a variable")
            }
            Self::Nul(name) => write!(f, "## Error: the value of \"{name}\" contains a NUL"),
            Self::NotText(name) => {
                write!(f, "## Error: the value of \"{name}\" is no text in UTF-8")
            }
            Self::Flags(error) => error.fmt(f),
            Self::Full { name, needed } => write!(
                f,
                "## Error: no room for \"{name}\": the environment would take {needed} of {CAPACITY} bytes"
            ),
        }
    }
}

impl core::error::Error for EnvError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn iterates_sorted_and_counts_bytes() {
        let mut env = Environment::default();
        env.try_set("b", "2").unwrap();
        env.try_set("a", "").unwrap();
        assert_eq!(env.iter().collect::<Vec<_>>(), vec![("a", ""), ("b", "2")]);
        assert_eq!(env.size(), "a=\0b=2\0\0".len());
        assert!(env.remove("a"));
        assert!(!env.remove("a"));
    }

    #[test]
    fn refuses_bad_names_and_values() {
        let mut env = Environment::default();
        assert_eq!(
            alloc::format!("{}", env.try_set("a=b", "c").unwrap_err()),
            "## Error: illegal character '='in variable name \"a=b\""
        );
        for name in ["", "a b", "\u{7f}", "caf\u{e9}", "a\n"] {
            assert_eq!(
                env.try_set(name, "x"),
                Err(EnvError::BadName(name.into())),
                "{name:?}"
            );
        }
        assert_eq!(env.try_set("a", "\0"), Err(EnvError::Nul("a".into())));
        assert_eq!(env, Environment::default());
    }

    #[test]
    fn takes_the_first_stages_command_line() {
        let mut env = Environment::with_defaults();
        let line = "quiet baton.bootdelay=0 baton.bootcmd=\"bootz report.zimg\" ro";
        assert_eq!(env.take_boot_arguments(line), vec![]);
        assert_eq!(env.get("bootdelay"), Some("0"));
        assert_eq!(env.get("bootcmd"), Some("bootz report.zimg"));
        assert_eq!(env.get("bootargs"), Some("quiet ro"));
        let errors = env.take_boot_arguments(&"x".repeat(CAPACITY));
        assert!(matches!(errors[..], [EnvError::Full { .. }]));
        assert_eq!(env.get("bootargs"), Some("quiet ro"));
    }

    #[test]
    fn is_bounded() {
        let mut env = Environment::default();
        let most = "x".repeat(CAPACITY - 4);
        env.try_set("a", &most).unwrap();
        assert_eq!(env.size(), CAPACITY);
        env.try_set("a", &most).unwrap();
        assert!(matches!(env.try_set("b", ""), Err(EnvError::Full { .. })));
        assert_eq!(env.get("b"), None);
    }
}
