//! Line discipline, history, completion.
