//! The companion's entry.
fn main() {}
