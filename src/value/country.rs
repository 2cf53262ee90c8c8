//! What a value tells of the country that it is of: a town, a number's code, the form of a postcode.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde::Deserialize;

use super::{
    address,
    dictionary::{self, Words},
    email,
    text::fold,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signs {
    towns: BTreeMap<String, Words>,
    states: BTreeMap<String, Words>,
    domains: BTreeMap<String, Words>,
    languages: BTreeMap<String, Words>,
}

struct Known {
    /// From a folded town to its country.
    towns: dictionary::HashMap<String, String>,
    /// From a folded state or its code to the countries that have one of the name.
    states: dictionary::HashMap<String, Vec<String>>,
    /// Country domains that people everywhere use.
    of_nobody: dictionary::HashSet<String>,
    /// From a language to the countries that speak it.
    speakers: BTreeMap<String, BTreeSet<String>>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let signs: Signs =
        dictionary::read(include_str!("../../mappings/dictionaries/country_signs.toml"));
    let mut states: dictionary::HashMap<String, Vec<String>> = dictionary::HashMap::default();
    for (country, names) in &signs.states {
        for name in names.to_vec() {
            states.entry(name).or_default().push(country.clone());
        }
    }
    let speakers =
        signs.languages.iter().map(|(l, words)| (l.clone(), words.to_vec().into_iter().collect()));
    Known {
        towns: dictionary::inverted(&signs.towns),
        states,
        of_nobody: signs.domains.values().flat_map(Words::to_vec).collect(),
        speakers: speakers.collect(),
    }
});

/// The country of a VAT number, by the letters before it.
pub fn of_vat(cell: &str) -> Option<&'static str> {
    let letters: String = cell.trim().chars().take_while(char::is_ascii_alphabetic).collect();
    let country = match letters.to_uppercase().as_str() {
        "EL" => "GR".to_owned(),
        code if code.len() == 2 => code.to_owned(),
        // Swiss numbers begin with `CHE`.
        code if code.starts_with("CHE") => "CH".to_owned(),
        _ => return None,
    };
    address::iso_country(&country).filter(|iso| *iso == country)
}

/// The country that alone has a town of the name, of the large towns.
pub fn of_town(cell: &str) -> Option<&'static str> {
    KNOWN.towns.get(&fold(cell)).map(String::as_str)
}

/// The countries that have a state of the name or code.
pub fn of_state(cell: &str) -> impl Iterator<Item = &'static str> {
    KNOWN.states.get(&fold(cell)).into_iter().flatten().map(String::as_str)
}

/// The country whose domain the first address of a cell is in; none for domains that people everywhere use.
pub fn of_email(cell: &str) -> Option<&'static str> {
    let address = email::normalize(cell).into_iter().next()?.ok()?;
    of_domain(address.rsplit('.').next()?)
}

/// The country of a top-level domain in small letters: `fr`, `uk`.
pub fn of_domain(ending: &str) -> Option<&'static str> {
    if ending.len() != 2 || KNOWN.of_nobody.contains(ending) {
        return None;
    }
    let code = if ending == "uk" { "GB".to_owned() } else { ending.to_uppercase() };
    address::iso_country(&code).filter(|iso| *iso == code)
}

/// The country that alone writes its postcodes so: `1015 CN`, `SW1A 2AA`, `1100-053`, `D02 X285`.
pub fn of_postcode(written: &str) -> Option<&'static str> {
    // Of all others the form is shared: five digits, four, three and two.
    const ALONE: [&str; 6] = ["NL", "GB", "IE", "PT", "CA", "PL"];
    let written = written.trim();
    let plain = written.len() < 6 || written.bytes().all(|b| b.is_ascii_digit());
    if plain || written.len() > 9 {
        return None;
    }
    let written = written.to_uppercase();
    ALONE.into_iter().find(|country| address::has_form(country, &written))
}

/// Whether the language is spoken in the country: `fr` in `BE`.
pub(crate) fn is_spoken(language: &str, country: &str) -> bool {
    KNOWN.speakers.get(language).is_some_and(|countries| countries.contains(country))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_names_countries_and_languages_that_exist() {
        let known = &*KNOWN;
        let speakers = known.speakers.values().flatten();
        let countries = known.towns.values().chain(known.states.values().flatten());
        for country in countries.chain(speakers) {
            assert_eq!(address::iso_country(country), Some(country.as_str()));
        }
    }

    #[test]
    fn only_a_postcode_of_one_country_tells_it() {
        let told = |written: &str| of_postcode(written).unwrap_or("-");
        for (written, country) in [
            ("1015 CN", "NL"),
            ("1015cn", "NL"),
            ("SW1A 2AA", "GB"),
            ("M1 1AE", "GB"),
            ("SW1A1AA", "GB"),
            ("1100-053", "PT"),
            ("D02 X285", "IE"),
            ("A65F4E2", "IE"),
            ("D6W X285", "IE"),
            ("K1A 0B1", "CA"),
            ("00-950", "PL"),
            ("75001", "-"),
            ("75 001", "-"),
            ("1000", "-"),
            ("114 55", "-"),
            ("F-75001", "-"),
            ("CS 12345", "-"),
            ("BP 123", "-"),
            ("75001 CEDEX", "-"),
        ] {
            assert_eq!(told(written), country, "{written}");
        }
    }

    #[test]
    fn vat_numbers_and_domains_tell_their_country() {
        assert_eq!(
            ["EL123456789", "CHE-123.456.789", "FR40", "12"].map(of_vat),
            [Some("GR"), Some("CH"), Some("FR"), None]
        );
        assert_eq!(["ie", "uk", "io", "com"].map(of_domain), [Some("IE"), Some("GB"), None, None]);
    }
}
