#![allow(clippy::cast_possible_truncation)]

mod builder;
mod garbage;
mod images;
mod refusals;
