//! From TOML to a policy.
