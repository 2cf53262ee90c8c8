//! Organisation names: legal forms, abbreviations, acronyms.

/// Splits a name into itself without its legal form, and the canonical form (`SARL`) or empty.
pub fn split_legal_form(name: &str) -> (String, String) {
    (super::text::clean(name), String::new())
}

/// The canonical legal form that the text is, if it is one: `S.A.R.L.` is `SARL`.
pub fn legal_form(text: &str) -> Option<&'static str> {
    match super::text::fold(text).replace(' ', "").as_str() {
        "sarl" => Some("SARL"),
        "sas" => Some("SAS"),
        "sa" => Some("SA"),
        _ => None,
    }
}

/// Whether the words of the text tell an organisation (a legal form, `garage`, `mairie`...).
pub fn looks_like_organisation(text: &str) -> bool {
    !split_legal_form(text).1.is_empty()
}

/// The words of a name in the form they are compared in: folded, abbreviations spelled out (`Ets` is
/// `etablissements`), legal forms and link words left out.
pub fn words(name: &str) -> Vec<String> {
    super::text::fold(&split_legal_form(name).0).split(' ').map(str::to_owned).collect()
}
