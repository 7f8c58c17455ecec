//! A checksum or digest: up to 32 bytes, shown as hexadecimal digits.

use core::fmt;

use arrayvec::ArrayVec;

/// The longest: SHA-256.
const MAX: usize = 32;

/// The bytes, in the order they are shown and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Sum(ArrayVec<u8, MAX>);

impl Sum {
    /// Takes the bytes; what is beyond the longest sum is cut.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().take(MAX).collect())
    }

    /// Reads pairs of hexadecimal digits.
    pub fn parse(digits: &str) -> Option<Self> {
        let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
            return None;
        };
        let digit = |letter: u8| char::from(letter).to_digit(16);
        let bytes = pairs
            .iter()
            .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
        bytes.take(MAX).collect::<Option<_>>().map(Self)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
