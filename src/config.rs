//! Settings: the only reader of the environment. Typed, validated, fails closed.
