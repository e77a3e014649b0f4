//! The published description: what is vendored is whole, and the strict form is what the script derives too.
