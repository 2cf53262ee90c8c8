//! Flat files of Sage 100.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let file = orpailleur_fuzz::below("#FLG 000\r\n#VER 14\r\n", data);
    orpailleur_fuzz::take("tiers.txt", &file);
});
