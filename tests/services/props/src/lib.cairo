//! What a test on a real chain needs besides the registry: a token that misbehaves on demand, and
//! accounts that obey anybody, because signing in Python costs more time than all else.

pub mod puppet;
pub mod token;
