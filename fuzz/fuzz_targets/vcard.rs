//! Cards of any version.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let cards = orpailleur_fuzz::below("BEGIN:VCARD\r\nVERSION:2.1\r\n", data);
    orpailleur_fuzz::take("contacts.vcf", &cards);
});
