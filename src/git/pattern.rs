//! The one meaning of a pattern.
