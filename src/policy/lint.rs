//! What is right but binds less than it looks.
