//! Entries of a French accounting file, as text or in XML.
#![no_main]

const HEADER: &str = "JournalCode|JournalLib|EcritureNum|EcritureDate|CompteNum|CompteLib|CompAuxNum|CompAuxLib\
|PieceRef|PieceDate|EcritureLib|Debit|Credit|EcritureLet|DateLet|ValidDate|Montantdevise|Idevise\r\n";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let file = match data.starts_with(b"<") {
        true => data.to_owned(),
        false => orpailleur_fuzz::below(HEADER, data),
    };
    orpailleur_fuzz::take("123456789FEC20241231.txt", &file);
});
