//! What a relay is told on the kernel's command line, and tells the next.

use core::fmt;

/// The relay's words: `relay.hop=N`, `relay.of=N`, decimal.
///
/// `Display` writes them as they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hops {
    /// Which hop this is, from 1.
    pub hop: u32,
    /// After which one it ends.
    pub of: u32,
}

/// What every word of the relay's begins with.
const PREFIX: &str = "relay.";

impl Hops {
    /// Reads the relay's words from a command line; `None` if one is missing or unreadable, or
    /// the hop is none of those.
    pub fn parse(command_line: &str) -> Option<Self> {
        let number = |name: &str| {
            let mut words = command_line.split_ascii_whitespace();
            let value = words.find_map(|word| {
                word.strip_prefix(PREFIX)?
                    .strip_prefix(name)?
                    .strip_prefix('=')
            })?;
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| value.parse().ok()).flatten()
        };
        let hops = Self {
            hop: number("hop")?,
            of: number("of")?,
        };
        (1..=hops.of).contains(&hops.hop).then_some(hops)
    }

    /// Returns the next hop; `None` after the last.
    pub fn next(self) -> Option<Self> {
        let hop = self.hop.checked_add(1)?;
        (hop <= self.of).then_some(Self { hop, ..self })
    }

    /// Iterates over the words of a command line that are not the relay's.
    pub fn others(command_line: &str) -> impl Iterator<Item = &str> {
        let words = command_line.split_ascii_whitespace();
        words.filter(|word| !word.starts_with(PREFIX))
    }
}

impl fmt::Display for Hops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "relay.hop={} relay.of={}", self.hop, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::Hops;

    #[test]
    fn words_are_read_as_they_are_written() {
        let hops = Hops { hop: 7, of: 50 };
        let line = format!("console=ttyAMA0 {hops} report.then=halt");
        assert_eq!(Hops::parse(&line), Some(hops));
        let others: Vec<&str> = Hops::others(&line).collect();
        assert_eq!(others, ["console=ttyAMA0", "report.then=halt"]);
    }

    #[test]
    fn words_that_are_wrong_are_no_hops() {
        for line in [
            "",
            "relay.hop=1",
            "relay.of=1",
            "relay.hop=+1 relay.of=2",
            "relay.hop=0 relay.of=2",
            "relay.hop=3 relay.of=2",
            "relay.hop=1 relay.of=99999999999",
            "relay.hop= relay.of=2",
        ] {
            assert_eq!(Hops::parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_last_hop_has_no_next() {
        let next = Hops { hop: 1, of: 2 }.next();
        assert_eq!(next, Some(Hops { hop: 2, of: 2 }));
        assert_eq!(next.and_then(Hops::next), None);
    }
}
