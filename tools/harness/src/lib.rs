//! Starts a described machine, drives its console, keeps the transcript.
#![forbid(unsafe_code)]
