//! The command-line program `orpailleur`.

fn main() {}
