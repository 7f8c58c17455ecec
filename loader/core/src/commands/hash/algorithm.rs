//! The algorithms behind one face.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Sum;

/// What can be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Algorithm {
    Crc32,
    Md5,
    Sha1,
    Sha256,
}

/// The algorithms by U-Boot's names, with the bytes of their sums.
const ALGORITHMS: &[(Algorithm, &str, usize)] = &[
    (Algorithm::Crc32, "crc32", 4),
    (Algorithm::Md5, "md5", 16),
    (Algorithm::Sha1, "sha1", 20),
    (Algorithm::Sha256, "sha256", 32),
];

/// A sum under way.
pub(in super::super) enum State {
    Crc32(crc32fast::Hasher),
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Algorithm {
    /// Finds an algorithm by its name, in capitals or not.
    pub fn find(name: &str) -> Option<Self> {
        let found = ALGORITHMS
            .iter()
            .find(|(_, known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(algorithm, ..)| *algorithm)
    }

    fn row(self) -> (&'static str, usize) {
        let found = ALGORITHMS.iter().find(|(known, ..)| *known == self);
        found.map_or(("", 0), |(_, name, size)| (name, *size))
    }

    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Returns the bytes of a sum.
    pub fn size(self) -> usize {
        self.row().1
    }

    pub fn start(self) -> State {
        match self {
            Self::Crc32 => State::Crc32(crc32fast::Hasher::new()),
            Self::Md5 => State::Md5(Md5::new()),
            Self::Sha1 => State::Sha1(Sha1::new()),
            Self::Sha256 => State::Sha256(Sha256::new()),
        }
    }
}

impl State {
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(state) => state.update(bytes),
            Self::Md5(state) => state.update(bytes),
            Self::Sha1(state) => state.update(bytes),
            Self::Sha256(state) => state.update(bytes),
        }
    }

    pub fn finish(self) -> Sum {
        match self {
            Self::Crc32(state) => Sum::new(&state.finalize().to_be_bytes()),
            Self::Md5(state) => Sum::new(&state.finalize()),
            Self::Sha1(state) => Sum::new(&state.finalize()),
            Self::Sha256(state) => Sum::new(&state.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn sums_of_abc() {
        for (name, expected) in [
            ("crc32", "352441c2"),
            ("MD5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "sha256",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ] {
            let algorithm = Algorithm::find(name).unwrap();
            let mut state = algorithm.start();
            state.update(b"a");
            state.update(b"bc");
            let sum = state.finish();
            assert_eq!(sum.to_string(), expected);
            assert_eq!(sum.bytes().len(), algorithm.size());
            assert_eq!(Sum::parse(expected), Some(sum));
        }
        assert_eq!(Algorithm::find("sha512"), None);
        assert_eq!(Sum::parse("0g"), None);
        assert_eq!(Sum::parse("+1"), None);
        assert_eq!(Sum::parse("123"), None);
    }
}
