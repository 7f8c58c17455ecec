//! The command language: U-Boot's hush. docs/shell.md describes it.
//!
//! Text becomes tokens (`lexer`), tokens a tree (`parser`, [`ast`]), and the tree is run
//! (`executor`), its words expanded just before (`expand`). A whole text is parsed before
//! any of it runs, and once: a syntax error changes nothing, and a loop costs no parsing.

pub mod ast;
mod executor;
mod expand;
mod lexer;
mod parser;
mod print;
pub mod regex;
mod state;
mod syntax;

pub use executor::{Outcome, execute, execute_script};
pub use expand::{ExpandError, MAX_ARGUMENTS, MAX_EXPANDED, expand, expand_one};
pub use parser::{is_incomplete, parse};
pub use state::{Locals, MAX_LEVELS, MAX_LOCALS, Scope, State, TEXT_LEVELS};
pub use syntax::{MAX_FORMS, MAX_NESTING, MAX_TEXT, MAX_TREE, SyntaxError, SyntaxProblem};
