//! Organisation names: legal forms, abbreviations, acronyms.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use super::{
    dictionary::{self, Words},
    text,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LegalForms {
    forms: BTreeMap<String, Words>,
    weak: BTreeMap<String, Words>,
    place: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    start: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanyWords {
    telling: Words,
    after_and: Words,
    link: Words,
    short: BTreeMap<String, String>,
}

struct Lexicon {
    forms: HashMap<String, String>,
    weak: HashMap<String, String>,
    opening: HashSet<String>,
    longest_form: usize,
    telling: HashSet<String>,
    after_and: HashSet<String>,
    link: HashSet<String>,
    short: HashMap<String, String>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let legal: LegalForms =
        dictionary::read(include_str!("../../mappings/dictionaries/legal_forms.toml"));
    let words: CompanyWords =
        dictionary::read(include_str!("../../mappings/dictionaries/company_words.toml"));
    let (forms, weak) = (dictionary::inverted(&legal.forms), dictionary::inverted(&legal.weak));
    Lexicon {
        longest_form: forms.keys().chain(weak.keys()).map(String::len).max().unwrap_or(0),
        forms,
        weak,
        opening: legal.place.start.to_set(),
        telling: words.telling.to_set(),
        after_and: words.after_and.to_set(),
        link: words.link.to_set(),
        short: words.short.into_iter().collect(),
    }
});

/// The most words of a legal form written out: `société d'exercice libéral à responsabilité limitée`.
const MOST_FORM_WORDS: usize = 10;

/// A word of a name: where it stands, and its letters folded without dots.
#[derive(Debug)]
struct Word {
    start: usize,
    end: usize,
    key: String,
    /// Written in capitals or with dots, as short legal forms are.
    marked: bool,
}

fn spans(name: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let ends = name.char_indices().map(Some).chain([None]);
    for at in ends {
        let (position, inside) = match at {
            Some((position, c)) => (position, c.is_alphanumeric() || c == '.' || c == '&'),
            None => (name.len(), false),
        };
        match (start, inside) {
            (None, true) => start = Some(position),
            (Some(from), false) => {
                words.push(word(name, from, position));
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn word(name: &str, start: usize, end: usize) -> Word {
    let written = &name[start..end];
    let key: String = text::fold(&written.replace('.', "")).replace(' ', "");
    let letters = || written.chars().filter(|c| c.is_alphabetic());
    let marked =
        written.contains('.') || letters().count() > 0 && letters().all(|c| !c.is_lowercase());
    Word { start, end, key, marked }
}

/// The legal form that the words spell together, and whether it is a weak one.
fn form_of(words: &[Word]) -> Option<(&'static str, bool, String)> {
    let length: usize = words.iter().map(|w| w.key.len()).sum();
    if length > LEXICON.longest_form {
        return None;
    }
    let key: String = words.iter().map(|w| w.key.as_str()).collect();
    let strong = LEXICON.forms.get(&key).map(|form| (form.as_str(), false));
    let (form, weak) =
        strong.or_else(|| LEXICON.weak.get(&key).map(|form| (form.as_str(), true)))?;
    // A name may end in `As` or `Sa`; the form is written `AS`, `S.A.`.
    let short = key.len() <= 2 && !words.iter().all(|w| w.marked);
    (!short).then_some((form, weak, key))
}

/// Splits a name into itself without its legal form, and the canonical form (`SARL`) or empty.
///
/// The form is looked for at the end, at the start and in parentheses, with or without dots. The name keeps its
/// writing; a name that is nothing but a form stays whole.
pub fn split_legal_form(name: &str) -> (String, String) {
    let mut rest = text::clean(name);
    let mut form = String::new();
    while let Some((shorter, found)) = without_one_form(&rest) {
        if form.is_empty() {
            found.clone_into(&mut form);
        }
        if shorter == rest {
            break;
        }
        rest = shorter;
    }
    (rest, form)
}

fn without_one_form(name: &str) -> Option<(String, &'static str)> {
    if let Some(found) = form_in_parentheses(name) {
        return Some(found);
    }
    let words = spans(name);
    let count = words.len();
    let most = MOST_FORM_WORDS.min(count);
    for n in (1..=most).rev() {
        let tail = &words[count - n..];
        if n < count
            && let Some((form, _, _)) = form_of(tail)
        {
            let shorter = trim_marks(&name[..tail[0].start]);
            if has_letters(&shorter) {
                return Some((shorter, form));
            }
        }
    }
    for n in (1..=most).rev() {
        let head = &words[..n];
        let Some((form, weak, key)) = form_of(head) else { continue };
        if weak && !LEXICON.opening.contains(&key) {
            return Some((name.to_owned(), form));
        }
        if n < count && (LEXICON.opening.contains(&key) || separated(name, head[n - 1].end)) {
            let shorter = trim_marks(&name[head[n - 1].end..]);
            if has_letters(&shorter) {
                return Some((shorter, form));
            }
        }
    }
    None
}

/// Whether a comma or dash stands at the position: `GmbH - Dupont`.
fn separated(name: &str, at: usize) -> bool {
    name[at..].trim_start().starts_with([',', '-', ':'])
}

fn form_in_parentheses(name: &str) -> Option<(String, &'static str)> {
    let open = name.rfind('(')?;
    let close = open + name[open..].find(')')?;
    let key = text::fold(&name[open + 1..close].replace('.', "")).replace(' ', "");
    let form = LEXICON.forms.get(&key).or_else(|| LEXICON.weak.get(&key))?;
    let outside = trim_marks(&text::clean(&format!("{} {}", &name[..open], &name[close + 1..])));
    has_letters(&outside).then_some((outside, form.as_str()))
}

fn trim_marks(name: &str) -> String {
    let marks =
        |c: char| c.is_whitespace() || matches!(c, ',' | '-' | ';' | ':' | '/' | '–' | '*' | '&');
    let trimmed = name.trim_start_matches(marks).trim_end_matches(marks);
    // A parenthesis or quotation mark that lost its other half.
    text::clean(trimmed.strip_suffix('(').unwrap_or(trimmed))
}

fn has_letters(name: &str) -> bool {
    name.chars().any(char::is_alphanumeric)
}

/// The canonical legal form that the text is, if it is one: `S.A.R.L.` is `SARL`.
pub fn legal_form(text: &str) -> Option<&'static str> {
    if text.len() > 100 {
        return None;
    }
    let key = text::fold(&text.replace('.', "")).replace(' ', "");
    LEXICON.forms.get(&key).or_else(|| LEXICON.weak.get(&key)).map(String::as_str)
}

/// Whether the words of the text tell an organisation (a legal form, `garage`, `mairie`, `& fils`...).
pub fn looks_like_organisation(text: &str) -> bool {
    if !split_legal_form(text).1.is_empty() {
        return true;
    }
    let spaced = text.replace(['&', '+'], " et ");
    let folded = text::fold(&spaced);
    let words: Vec<&str> = folded.split(' ').collect();
    let telling = words.len() > 1 && words.iter().any(|w| LEXICON.telling.contains(*w));
    let alone = words.len() == 1 && LEXICON.telling.contains(words[0]);
    let after_and = words.windows(2).any(|pair| {
        matches!(pair[0], "et" | "and" | "und" | "y" | "e" | "en")
            && LEXICON.after_and.contains(pair[1])
    });
    telling || alone || after_and
}

/// The words of a name in the form they are compared in: folded, abbreviations spelled out (`Ets` is
/// `etablissements`), legal forms and link words left out.
pub fn words(name: &str) -> Vec<String> {
    let (bare, _) = split_legal_form(name);
    let folded = text::fold(&without_dots(&bare));
    let all: Vec<&str> = folded.split(' ').filter(|w| !w.is_empty()).collect();
    let mut kept = Vec::with_capacity(all.len());
    for (at, word) in all.iter().enumerate() {
        // `Ste Dupont` is a société, `Garage Ste Anne` is at Sainte-Anne's.
        let spelled = match *word {
            "ste" if at > 0 => "sainte",
            word => LEXICON.short.get(word).map_or(word, String::as_str),
        };
        if !LEXICON.link.contains(spelled) {
            kept.extend(spelled.split(' ').map(str::to_owned));
        }
    }
    if kept.is_empty() { all.into_iter().map(str::to_owned).collect() } else { kept }
}

/// How many words of a name are written short: `Sté de TP de Provence` has two.
pub fn short_words(name: &str) -> usize {
    let (bare, _) = split_legal_form(name);
    let folded = text::fold(&without_dots(&bare));
    let is_short =
        |word: &&str| LEXICON.short.get(*word).is_some_and(|full| full.len() > word.len());
    folded.split(' ').filter(is_short).count()
}

/// `S.N.C.F.` as `SNCF`: a dot between single letters joins them.
fn without_dots(name: &str) -> String {
    let joined = name.split(' ').map(|word| {
        let pieces: Vec<&str> = word.split('.').filter(|piece| !piece.is_empty()).collect();
        let single = pieces.len() > 1 && pieces.iter().all(|piece| piece.chars().count() == 1);
        if single { pieces.concat() } else { word.to_owned() }
    });
    joined.collect::<Vec<_>>().join(" ")
}

/// The first letters of the words of a name, folded: `Pompes Funèbres Bally` has `pfb`. Empty for a
/// name of one word.
pub fn acronym(name: &str) -> String {
    let words = words(name);
    if words.len() < 2 {
        return String::new();
    }
    words.iter().filter_map(|word| word.chars().next()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_legal_form_is_split_off_wherever_it_stands() {
        let cases = [
            ("SARL Dupont", "Dupont|SARL"),
            ("Dupont S.A.R.L.", "Dupont|SARL"),
            ("S.A.R.L Dupont", "Dupont|SARL"),
            ("Dupont (sas)", "Dupont|SAS"),
            ("Dupont, SARL", "Dupont|SARL"),
            ("Dupont S. A. S.", "Dupont|SAS"),
            ("S.A. Agriform", "Agriform|SA"),
            ("PASQUIER S.A.S", "PASQUIER|SAS"),
            ("Müller GmbH & Co. KG", "Müller|GmbH & Co. KG"),
            ("Rossi S.p.A.", "Rossi|SpA"),
            ("Smith & Sons Ltd.", "Smith & Sons|Ltd"),
            ("Jansen B.V.", "Jansen|BV"),
            ("Dupont société à responsabilité limitée", "Dupont|SARL"),
            ("Bodin-Bérard Industrie sasu", "Bodin-Bérard Industrie|SASU"),
            ("SARL", "SARL|"),
            ("Les Forges de Bompas SCI", "Les Forges de Bompas|SCI"),
            ("Association Sportive de Lens", "Association Sportive de Lens|Association"),
            ("ASSOC. SERRE & FILS", "SERRE & FILS|Association"),
            ("Bastien Transports Ass.", "Bastien Transports|Association"),
            ("Thé et Cie", "Thé et Cie|"),
            ("ETS BRASSERIE MORIN, SCI", "ETS BRASSERIE MORIN|SCI"),
            ("Maria Sa", "Maria Sa|"),
            ("Elecmat  Décolletage, SARL;", "Elecmat Décolletage|SARL"),
            (
                "Entreprise de Maintenance de Savoie (sas)",
                "Entreprise de Maintenance de Savoie|SAS",
            ),
        ];
        for (name, expected) in cases {
            let (bare, form) = split_legal_form(name);
            assert_eq!(format!("{bare}|{form}"), expected, "{name}");
        }
    }

    #[test]
    fn legal_forms_are_known_alone() {
        assert_eq!(legal_form("S.A.R.L."), Some("SARL"));
        assert_eq!(legal_form("Gmbh"), Some("GmbH"));
        assert_eq!(legal_form("Asso"), Some("Association"));
        assert_eq!(legal_form("M."), None);
    }

    #[test]
    fn compared_words_are_spelled_out() {
        let compared = |name: &str| words(name).join(" ");
        assert_eq!(compared("Ets Dupont & Fils SARL"), "etablissements dupont fils");
        assert_eq!(compared("Sté Générale de Gestion"), "societe generale gestion");
        assert_eq!(compared("Garage Ste Anne"), "garage sainte anne");
        assert_eq!(compared("S.N.C.F."), "sncf");
        assert_eq!(compared("Grp Occitime S.A.R.L."), "groupe occitime");
        assert_eq!(compared("La"), "la");
    }

    #[test]
    fn acronyms_come_from_the_words_that_count() {
        assert_eq!(acronym("Précitech Clinique Vétérinaire SCOP"), "pcv");
        assert_eq!(acronym("Société Générale de Gestion de Bourgogne"), "sggb");
        assert_eq!(acronym("Dupont"), "");
    }

    #[test]
    fn organisations_are_told_from_persons() {
        for name in [
            "Garage Martin",
            "Mairie de Lens",
            "Dupont SARL",
            "Martin & Fils",
            "BOULANGERIE DURAND",
            "Cabinet Roy",
            "Bernard et Associés",
            "Smith Consulting",
            "Pharmacie",
        ] {
            assert!(looks_like_organisation(name), "{name}");
        }
        for name in [
            "Jean Dupont",
            "MARTIN PAUL",
            "Mme Durand",
            "Boulanger Pierre",
            "Marie Sa",
            "Lucien et Marie Roy",
        ] {
            assert!(!looks_like_organisation(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_split_twice_is_the_same(name in "((SARL|sas|S\\.A\\.|Asso|GmbH|Sté|Dupont|& Fils|\\(|\\)|,|-|ag|AG|SA) ?){1,5}|\\PC{0,20}") {
            let (bare, _) = split_legal_form(&name);
            prop_assert_eq!(split_legal_form(&bare).0, bare);
        }
    }
}
