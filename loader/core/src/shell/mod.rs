//! Lexer, parser, executor.
