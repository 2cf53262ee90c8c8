//! QuickBooks interchange files.
#![no_main]

const HEADER: &str =
    "!HDR\tPROD\tVER\tREL\r\n!CUST\tNAME\tBADDR1\tBADDR2\tCONT1\tPHONE1\tEMAIL\tNOTE\r\n";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let file = orpailleur_fuzz::below(HEADER, data);
    orpailleur_fuzz::take("customers.iif", &file);
});
