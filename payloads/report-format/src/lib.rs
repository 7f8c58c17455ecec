//! The lines the witness prints and the arguments it is told.
#![cfg_attr(not(test), no_std)]
