//! What is given for one boot: facts of the hardware, and the first stage's arguments.
//!
//! Saving them would freeze them: a card is moved, a tree lies elsewhere tomorrow, `boot.scr` is
//! edited. So a variable that still has the value it was given is saved as what it was before.

use alloc::string::String;

use super::{DEFAULTS, EnvError, Environment, validate_name};

/// A variable that was given its value for this boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    name: String,
    value: String,
    /// What it would be otherwise.
    below: Option<String>,
    /// It is a default of this machine, not an argument.
    fact: bool,
}

impl Environment {
    /// Sets a variable to what the hardware, or the first stage, is found to be: a default of this
    /// boot.
    pub fn give(&mut self, name: &str, value: &str) {
        self.note(name, value, None, true);
        self.set(name, value);
    }

    /// Sets a variable from an argument of the first stage, over defaults and saved values.
    ///
    /// # Errors
    /// As [`Environment::try_set`]; but `.flags` is not asked: whoever writes the first stage's
    /// script can write anything.
    pub fn override_with(&mut self, name: &str, value: &str) -> Result<(), EnvError> {
        validate_name(name)?;
        let below = self.get(name).map(String::from);
        self.assign(name, value, true)?;
        self.note(name, value, below, false);
        Ok(())
    }

    fn note(&mut self, name: &str, value: &str, below: Option<String>, fact: bool) {
        self.given
            .retain(|given| given.name != name || given.fact != fact);
        self.given.push(Given {
            name: name.into(),
            value: value.into(),
            below,
            fact,
        });
    }

    /// Returns a variable's default: of this machine, else of all.
    pub fn default_value(&self, name: &str) -> Option<&str> {
        let facts = self.given.iter().filter(|given| given.fact);
        let facts = facts.map(|given| (given.name.as_str(), given.value.as_str()));
        facts
            .chain(DEFAULTS.iter().copied())
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// Makes all variables those of the machine's facts, and with `defaults` those of all machines.
    pub fn reset(&mut self, defaults: bool) {
        self.variables.clear();
        if defaults {
            for (name, value) in DEFAULTS {
                self.set(name, value);
            }
        }
        let given = core::mem::take(&mut self.given);
        for fact in given.iter().filter(|given| given.fact) {
            self.set(&fact.name, &fact.value);
        }
        self.given = given;
    }

    /// Iterates over what is saved: names and values, sorted by name.
    pub fn lasting(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter_map(|(name, value)| {
            // An argument lies over a fact.
            let given = self.given.iter().rev();
            let mut given = given.filter(|given| given.name == name && given.value == value);
            match given.next() {
                Some(given) => given.below.as_deref().map(|below| (name, below)),
                None => Some((name, value)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    #[test]
    fn what_is_given_is_not_saved_until_it_is_changed() {
        let mut env = Environment::default();
        env.give("devnum", "0");
        env.give("bootargs", "quiet");
        env.set("bootdelay", "5");
        env.override_with("bootdelay", "0").unwrap();
        env.override_with("extra", "1").unwrap();
        env.override_with("devnum", "1").unwrap();
        assert_eq!(env.get("bootdelay"), Some("0"));
        let lasting = |env: &Environment| -> Vec<(String, String)> {
            let pairs = env.lasting();
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect()
        };
        let pair = |name: &str, value: &str| (String::from(name), String::from(value));
        assert_eq!(
            lasting(&env),
            vec![pair("bootdelay", "5"), pair("devnum", "0")]
        );
        env.set("bootargs", "loud");
        env.set("bootdelay", "9");
        env.remove("extra");
        assert_eq!(
            lasting(&env),
            vec![
                pair("bootargs", "loud"),
                pair("bootdelay", "9"),
                pair("devnum", "0")
            ]
        );
    }

    #[test]
    fn a_reset_keeps_the_facts() {
        let mut env = Environment::with_defaults();
        env.give("devnum", "0");
        env.set("bootdelay", "7");
        env.set("devnum", "1");
        env.override_with("mine", "1").unwrap();
        env.reset(true);
        assert_eq!(env.get("bootdelay"), Some("2"));
        assert_eq!(env.get("devnum"), Some("0"));
        assert_eq!(env.get("mine"), None);
        assert_eq!(env.default_value("devnum"), Some("0"));
        assert_eq!(env.default_value("bootdelay"), Some("2"));
        assert_eq!(env.default_value("mine"), None);
        env.reset(false);
        assert_eq!(env.iter().collect::<Vec<_>>(), vec![("devnum", "0")]);
    }

    #[test]
    fn refuses_a_bad_name() {
        let mut env = Environment::default();
        assert!(env.override_with("a b", "1").is_err());
        assert_eq!(env, Environment::default());
    }
}
