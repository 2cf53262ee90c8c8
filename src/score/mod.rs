//! Gives each candidate pair its match weight in bits.
