//! Which alphabet a text in a code page of one byte is written in: that of Western Europe, or of a language
//! whose letters lie elsewhere in the same bytes.
//!
//! Customer files are short and made of names, so that no statistics of running text apply. What holds of
//! names too is which accented letters a language has at all, and roughly how often: under the wrong code
//! page come out letters that no one language has together, and signs within words.

use std::{collections::HashMap, sync::LazyLock};

use encoding_rs::{
    Encoding, IBM866, ISO_8859_2, ISO_8859_5, ISO_8859_7, ISO_8859_13, KOI8_U, WINDOWS_1250,
    WINDOWS_1251, WINDOWS_1253, WINDOWS_1254, WINDOWS_1257, X_MAC_CYRILLIC,
};
use serde::Deserialize;

use crate::value::dictionary;

/// The letters beyond ASCII of each language, the most frequent first, by alphabet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Letters {
    western: Vec<String>,
    central: Vec<String>,
    cyrillic: Vec<String>,
    greek: Vec<String>,
    turkish: Vec<String>,
    baltic: Vec<String>,
}

static LETTERS: LazyLock<Letters> =
    LazyLock::new(|| dictionary::read(include_str!("../../../mappings/dictionaries/letters.toml")));

/// The code pages of other alphabets, the commoner of each first, with the letters of their languages.
fn pages() -> [(&'static Encoding, &'static [String]); 12] {
    let Letters { central, cyrillic, greek, turkish, baltic, .. } = &*LETTERS;
    [
        (WINDOWS_1250, central),
        (ISO_8859_2, central),
        (WINDOWS_1251, cyrillic),
        (KOI8_U, cyrillic),
        (IBM866, cyrillic),
        (ISO_8859_5, cyrillic),
        (X_MAC_CYRILLIC, cyrillic),
        (WINDOWS_1253, greek),
        (ISO_8859_7, greek),
        (WINDOWS_1254, turkish),
        (WINDOWS_1257, baltic),
        (ISO_8859_13, baltic),
    ]
}

/// By how much (as the logarithm of odds) another alphabet must be likelier than the western one, which
/// most files have: one letter that could be either is no reason.
const WESTERN_LEAD: f64 = 3.0;

/// Mean likelihood of a letter below which text is in no alphabet known here, whatever is likelier.
const LEAST_LIKELIHOOD: f64 = 0.004;

/// Bytes beyond ASCII that are looked at: more change nothing.
const MOST_BYTES: usize = 20_000;

/// The code page of another alphabet that a text is likelier in than in the `western` one, given by its
/// characters of 0x80 to 0xFF.
pub(super) fn tell(sample: &[u8], western: &[char]) -> Option<&'static Encoding> {
    let (different, places) = places_of(sample);
    let reading = |page: &[char]| {
        let read = |byte: u8| match byte {
            0x80.. => page[usize::from(byte) - 0x80],
            ascii => char::from(ascii),
        };
        let around = |bytes: &[u8; 3]| (read(bytes[0]), read(bytes[1]), read(bytes[2]));
        different.iter().map(around).collect::<Vec<_>>()
    };
    let sum = |likelihoods: &[f64]| places.iter().map(|&at| likelihoods[at]).sum::<f64>();
    let best = |text: &[Place], languages: &[String]| {
        let all = languages.iter().map(|letters| likelihoods(text, letters));
        all.reduce(|best, next| if sum(&next) > sum(&best) { next } else { best })
            .unwrap_or_default()
    };
    let western_text = reading(western);
    let western = best(&western_text, &LETTERS.western);
    let (text, other, page) = pages()
        .into_iter()
        .map(|(page, languages)| {
            let text = reading(&characters(page));
            let other = best(&text, languages);
            (text, other, page)
        })
        // The first of equals.
        .reduce(|best, next| if sum(&next.1) > sum(&best.1) { next } else { best })?;
    // Letters that both read alike tell of the language; those that they do not must agree.
    let differ = |at: &&usize| text[**at].1 != western_text[**at].1;
    let apart: f64 = places.iter().filter(differ).map(|&at| other[at] - western[at]).sum();
    let least = LEAST_LIKELIHOOD.ln() * places.len() as f64;
    let is_other = apart > 0.0 && sum(&other) > sum(&western) + WESTERN_LEAD && sum(&other) > least;
    is_other.then_some(page)
}

/// The different bytes beyond ASCII, each between its neighbours, and for each that stands in the sample which of
/// them it is: in names the same letters stand together again and again, and each is judged once.
fn places_of(sample: &[u8]) -> (Vec<[u8; 3]>, Vec<usize>) {
    let mut known: HashMap<[u8; 3], usize> = HashMap::new();
    let mut different = Vec::new();
    let places = (0..sample.len()).filter(|&at| !sample[at].is_ascii()).take(MOST_BYTES);
    let places = places.map(|at| {
        let byte = |at: usize| sample.get(at).copied().unwrap_or(b' ');
        let around = [byte(at.wrapping_sub(1)), byte(at), byte(at + 1)];
        *known.entry(around).or_insert_with(|| {
            different.push(around);
            different.len() - 1
        })
    });
    let places = places.collect();
    (different, places)
}

/// A character between its neighbours.
type Place = (char, char, char);

/// The characters of 0x80 to 0xFF.
fn characters(page: &'static Encoding) -> Vec<char> {
    let character = |byte| page.decode_without_bom_handling(&[byte]).0.chars().next();
    (0x80..=0xFF).map(|byte| character(byte).unwrap_or('\u{fffd}')).collect()
}

/// The logarithms of how likely a language's text has each of these characters.
fn likelihoods(text: &[Place], letters: &str) -> Vec<f64> {
    let ranked: Vec<char> = letters.chars().collect();
    let all: f64 = (1..=ranked.len()).map(|rank| 1.0 / rank as f64).sum();
    let latin = letters.starts_with(|c: char| c < '\u{370}');
    text.iter()
        .map(|&(before, c, behind)| {
            let rank = ranked.iter().position(|&letter| letter == c || letter == lower(c));
            // Spain's `2º` counts as a letter to Unicode.
            let is_ordinal = matches!(c, 'º' | 'ª');
            let own = rank.map(|rank| 0.9 / (rank + 1) as f64 / all);
            let likelihood = match own {
                Some(own) => own,
                None if c.is_alphabetic() && !is_ordinal => 1e-3,
                None => sign(before, c, behind),
            };
            let odd = c.is_alphabetic() && !is_ordinal && is_odd(before, c, behind, latin);
            (if odd { likelihood * 0.03 } else { likelihood }).ln()
        })
        .collect()
}

/// A letter in lower case, where that is one letter.
fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// How likely something else than a letter stands there.
fn sign(before: char, c: char, behind: char) -> f64 {
    let in_word = before.is_alphabetic() && behind.is_alphabetic();
    match c {
        '\u{80}'..='\u{9f}' | '\u{fffd}' => 1e-6,
        '’' => 2e-2,
        _ if in_word => 1e-5,
        '°' | 'º' | 'ª' | '€' | '«' | '»' | '–' | '—' | '…' | '“' | '”' | '„' | '‘' | '§' | '²'
        | '•' | '№' | '\u{a0}' => 1e-2,
        _ => 1e-3,
    }
}

/// Whether the letter does not fit its neighbours: a capital behind a small letter or the reverse, another
/// alphabet within a word, a digit before it, or (in Latin letters) a third accented letter in a row.
fn is_odd(before: char, c: char, behind: char, latin: bool) -> bool {
    let behind_digit = before.is_ascii_digit();
    let capital_within = c.is_uppercase() && before.is_lowercase();
    let small_within = c.is_lowercase() && before.is_uppercase() && behind.is_uppercase();
    let accented = |c: char| !c.is_ascii() && c.is_alphabetic();
    let mixed = match latin {
        true => accented(before) && accented(behind),
        false => before.is_ascii_alphabetic() || behind.is_ascii_alphabetic(),
    };
    behind_digit || capital_within || small_within || mixed
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::super::encoding::decode;
    use super::*;

    /// Rows of customer files, invented: what they are written in, and what there is.
    const FILES: &[(&str, &[&Encoding], &str)] = &[
        (
            "Polish",
            &[WINDOWS_1250, ISO_8859_2],
            "Nazwa;Imię;Nazwisko;Ulica;Kod;Miasto;E-mail\n\
             Zakład Usługowy;Małgorzata;Wójcik;ul. Świętokrzyska 12;00-050;Warszawa;biuro@zaklad.example\n\
             PPHU Żubr;Łukasz;Wiśniewski;Piłsudskiego 4;90-001;Łódź;lukasz@zubr.example\n\
             ;Grażyna;Dąbrowska;os. Złotej Jesieni 7;31-826;Kraków;g.dabrowska@poczta.example\n",
        ),
        (
            "Czech",
            &[WINDOWS_1250, ISO_8859_2],
            "Jméno;Příjmení;Ulice;PSČ;Město;E-mail\n\
             Jiří;Dvořák;Vinohradská 12;120 00;Praha;jiri.dvorak@posta.example\n\
             Kateřina;Černá;náměstí Svobody 5;602 00;Brno;katerina@posta.example\n\
             Ondřej;Růžička;Žižkova 8;370 01;České Budějovice;ondrej@posta.example\n",
        ),
        (
            "Slovak",
            &[WINDOWS_1250, ISO_8859_2],
            "Meno;Priezvisko;Ulica;Mesto\nĽubomír;Kováč;Štúrova 3;Košice\nZuzana;Vaľková;Hviezdoslavovo nám. 1;Žilina\n",
        ),
        (
            "Hungarian",
            &[WINDOWS_1250, ISO_8859_2],
            "Név;Cím;Irányítószám;Város\n\
             Kovács Gergő;Petőfi Sándor utca 5;1052;Budapest\n\
             Szűcs Mária;Kossuth Lajos tér 2;6720;Szeged\n\
             Horváth Győző;Fő út 11;9021;Győr\n",
        ),
        (
            "Croatian",
            &[WINDOWS_1250],
            "Ime;Prezime;Adresa;Grad\nŽeljko;Šarić;Ulica kneza Branimira 4;Zagreb\nAna;Đurđević;Splitska 9;Šibenik\n",
        ),
        (
            "Russian",
            &[WINDOWS_1251, KOI8_U, IBM866],
            "Код;Фамилия;Имя;Город;E-mail\n\
             101;Иванов;Сергей;Санкт-Петербург;ivanov@pochta.example\n\
             102;Кузнецова;Ольга;Екатеринбург;olga.kuznetsova@pochta.example\n\
             103;Щербаков;Юрий;Нижний Новгород;sherbakov.yuri@pochta.example\n",
        ),
        (
            "Russian names under English headers",
            &[WINDOWS_1251],
            "Id;Name;City;Email;Website\n\
             101;ООО Ромашка;Москва;office@romashka.example;http://www.romashka.example/contacts\n\
             102;Петров;Казань;petrov.alexander.1975@pochta.example;http://www.petrov.example/about\n",
        ),
        (
            "Bulgarian",
            &[WINDOWS_1251],
            "Име;Фамилия;Град\nГеорги;Димитров;София\nЦветелина;Йорданова;Пловдив\n",
        ),
        (
            "Greek",
            &[WINDOWS_1253, ISO_8859_7],
            "Επωνυμία;Όνομα;Διεύθυνση;Πόλη;Email\n\
             ΑΦΟΙ ΠΑΠΑΔΟΠΟΥΛΟΥ Α.Ε.;Γιώργος;Λεωφόρος Κηφισίας 12;Αθήνα;info@papadopoulos.example\n\
             ;Ελένη Νικολάου;Τσιμισκή 5;Θεσσαλονίκη;eleni@taxydromeio.example\n",
        ),
        (
            "Turkish",
            &[WINDOWS_1254],
            "Ünvan;Adı;Soyadı;Adres;Şehir\n\
             Yıldız Tekstil A.Ş.;Ayşe;Yılmaz;Bağdat Caddesi 12;İstanbul\n\
             ;Mustafa;Öztürk;Atatürk Bulvarı 5;İzmir\n;Işıl;Çağlar;Cumhuriyet Mah. 3;Eskişehir\n",
        ),
        (
            "Lithuanian",
            &[WINDOWS_1257, ISO_8859_13],
            "Pavadinimas;Vardas;Pavardė;Gatvė;Miestas\nUAB Ąžuolas;Živilė;Šimkutė;Gedimino pr. 5;Vilnius\n\
             ;Jūratė;Žukauskienė;Laisvės al. 12;Kaunas\n",
        ),
        (
            "Latvian",
            &[WINDOWS_1257],
            "Vārds;Uzvārds;Iela;Pilsēta\nJānis;Bērziņš;Brīvības iela 12;Rīga\nLīga;Kalniņa;Lāčplēša iela 3;Jūrmala\n",
        ),
        (
            "Estonian",
            &[WINDOWS_1257],
            "Eesnimi;Perekonnanimi;Tänav;Linn\nÜlle;Mägi;Pärnu mnt 5;Tallinn\nJüri;Põldmaa;Võru 12;Tartu\nMaša;Kõiv;Žukovi 2;Narva\n",
        ),
    ];

    /// Rows of the western side, among them names of other countries.
    const WESTERN_FILES: &[&str] = &[
        "Société;Prénom;Ville\nÉtablissements Lefèvre;Hélène;Besançon\nMÉTALLERIE DU RHÔNE;Noël;Nîmes\n",
        "Firma;Straße;Ort\nMüller & Söhne;Größenweg 3;Köln\nBäckerei Weiß;Mühlgässchen 1;Nürnberg\n",
        "Empresa;Dirección;Población\nPeña e Hijos;Avda. de la Constitución 4;Logroño\nMuñoz;C/ Núñez de Balboa;Málaga\n",
        "Ragione sociale;Città\nCaffè Perù;Forlì\nSocietà Agricola Libertà;Cantù\n",
        "Empresa;Endereço;Localidade\nIrmãos Conceição;Praça da República;Guimarães\nJoão Simões;Rua São João;Setúbal\n",
        "Navn;Adresse;By\nSørensen ApS;Østergade 5;Århus\nÅse Kjær;Grønnegade 2;Næstved\n",
        "Namn;Adress;Ort\nÅkesson Bygg;Västra Hamngatan;Göteborg\nPäivi Mäkelä;Töölönkatu;Järvenpää\n",
        "Nafn;Heimili\nGuðrún Þórsdóttir;Aðalstræti 5\nSigurður Ægisson;Bræðraborgarstígur\n",
        // One foreign name, an apostrophe, an amount.
        "Nom;CA\nJosé Muñoz;12 €\nL’Étoile d’Or;5 °\nBjørn Åkesson;–\nHélène Škoda;8\nBožena Müller;3\n",
        // All letters but the ordinals are the same in Hungary's.
        "Apellidos;Dirección\nSánchez;Málaga, 2º A\nÁlvarez Hernández;Alcalá, 1ª planta\nGonzález;Cáceres\n",
        "Nom\nZoé\n",
        "Nom\nCôte d’Azur Traiteur\nN° 5\n",
    ];

    /// Every row alone below the header, and all of them.
    fn cuts(file: &str) -> Vec<String> {
        let (header, rows) = file.split_once('\n').expect("there is a header");
        let alone = rows.lines().map(|row| format!("{header}\n{row}\n"));
        alone.chain([file.to_owned()]).collect()
    }

    #[test]
    fn files_of_other_alphabets_are_read_by_their_letters() {
        let (mut all, mut wrong) = (0, Vec::new());
        for (language, pages, file) in FILES {
            for page in *pages {
                for cut in cuts(file) {
                    let (bytes, _, lost) = page.encode(&cut);
                    assert!(!lost, "{language} cannot be written in {}", page.name());
                    let decoded = decode(bytes.into_owned());
                    all += 1;
                    if decoded.text != cut {
                        assert_ne!(cut, *file, "{language} in {}", page.name());
                        wrong.push(format!("{language} in {}: {decoded:?}", page.name()));
                    }
                }
            }
        }
        // A single row may have but one letter that tells; a Hungarian one is read as western.
        assert!(wrong.len() * 30 <= all, "{} of {all} wrong: {wrong:#?}", wrong.len());
    }

    #[test]
    fn western_files_stay_western() {
        for file in WESTERN_FILES {
            for cut in cuts(file) {
                let (bytes, _, lost) = WINDOWS_1252.encode(&cut);
                assert!(!lost, "{cut}");
                let decoded = decode(bytes.into_owned());
                assert_eq!(
                    (decoded.text.as_str(), decoded.encoding.as_str()),
                    (cut.as_str(), "windows-1252")
                );
            }
        }
    }
}
