//! Worlds of phones: made by hand and by chance.

mod random;
