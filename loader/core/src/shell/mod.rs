//! The command language: U-Boot's hush, its part so far.
//!
//! Text becomes tokens (`lexer`), tokens a tree (`parser`, [`ast`]), and the tree is run
//! (`executor`), its words expanded just before (`expand`). A whole text is parsed before
//! any of it runs, so a syntax error changes nothing.

pub mod ast;
mod executor;
mod expand;
mod lexer;
mod parser;

pub use executor::{MAX_DEPTH, Outcome, execute};
pub use expand::{ExpandError, MAX_ARGUMENTS, MAX_EXPANDED, expand};
pub use parser::{MAX_TEXT, SyntaxError, SyntaxProblem, parse};
