//! A host with a card of the specification's, for tests.
