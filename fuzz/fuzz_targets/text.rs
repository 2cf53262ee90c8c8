//! Any bytes as a text of any encoding and dialect.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orpailleur_fuzz::take("clients.csv", data));
