//! ARMv7-A with virtualization extensions: entry, vectors, page tables, caches, handoff.
#![cfg_attr(not(test), no_std)]
