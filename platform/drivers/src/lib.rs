//! Device drivers, bound by compatible strings.
#![cfg_attr(not(test), no_std)]
