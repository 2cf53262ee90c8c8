//! Whether a name that may be either is a person's or an organisation's, and whether a row is anybody.
//!
//! What the row itself says comes first: a legal form, a civility, a company number. Then what all
//! the sources together say: the same code or the same name elsewhere, and which words stand in names
//! of persons and which in names of organisations.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use crate::{
    model::Kind,
    value::{
        boolean, dictionary, email, organisation, person,
        text::{fold, is_placeholder},
    },
};

/// What a row says of a customer whose kind is open.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence<'a> {
    /// The name as written, with whatever stands before and behind it.
    pub(super) name: &'a str,
    /// The civility column: `Mme`, or in many systems `SARL`.
    pub(super) civility: &'a str,
    /// Whether a company number, VAT number or activity code stands on the row.
    pub(super) has_company_number: bool,
    /// The email addresses of the row.
    pub(super) emails: Vec<&'a str>,
    /// Whether the row has a website.
    pub(super) has_website: bool,
    /// Whether the row has a birth date or a first name.
    pub(super) has_personal_data: bool,
}

/// The kind that the row alone tells, if it tells one.
pub(super) fn of_row(evidence: &Evidence<'_>) -> Option<Kind> {
    if let Some(kind) = of_civility(evidence.civility) {
        return Some(kind);
    }
    if evidence.has_company_number {
        return Some(Kind::Organisation);
    }
    let first = evidence.name.split_whitespace().next().unwrap_or("");
    let form = || !organisation::split_legal_form(evidence.name).1.is_empty();
    if first.len() < evidence.name.trim().len() && person::civility(first).is_some() && !form() {
        return Some(Kind::Person);
    }
    if form() {
        return Some(Kind::Organisation);
    }
    if evidence.has_personal_data {
        return Some(Kind::Person);
    }
    if evidence.name.chars().any(|c| c == '&' || c.is_ascii_digit()) {
        return Some(Kind::Organisation);
    }
    let emails: Vec<String> = evidence.emails.iter().map(|cell| address(cell)).collect();
    if emails.iter().any(|e| is_mailbox_of(e, evidence.name)) {
        return Some(Kind::Person);
    }
    let is_of_role = |cell: &&str| is_role_mailbox(cell);
    if evidence.emails.iter().any(is_of_role) || evidence.has_website {
        return Some(Kind::Organisation);
    }
    let telling = organisation::looks_like_organisation(evidence.name);
    (!telling && emails.iter().any(|e| email::is_freemail(e))).then_some(Kind::Person)
}

/// The first address of a cell as clean values have it; the cell itself when it holds none.
pub(super) fn address(cell: &str) -> String {
    let mut addresses = email::normalize(cell).into_iter().flatten();
    addresses.next().unwrap_or_else(|| cell.trim().to_lowercase())
}

/// Whether a cell holds the address of a role. Of a `contact@` that was never finished nobody knows whose it is.
pub(super) fn is_role_mailbox(cell: &str) -> bool {
    let mut addresses = email::normalize(cell).into_iter();
    addresses.next().and_then(Result::ok).is_some_and(|address| email::is_role_mailbox(&address))
}

/// What a civility column says: `Mme` a person, `SARL` or `Société` an organisation.
pub(super) fn of_civility(civility: &str) -> Option<Kind> {
    if civility.is_empty() {
        return None;
    }
    if person::civility(civility).is_some() {
        return Some(Kind::Person);
    }
    let says = organisation::legal_form(civility).is_some()
        || organisation::looks_like_organisation(civility);
    says.then_some(Kind::Organisation)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindWords {
    person: HashSet<String>,
    organisation: HashSet<String>,
}

static KIND_WORDS: LazyLock<KindWords> =
    LazyLock::new(|| dictionary::read(include_str!("../../mappings/dictionaries/kinds.toml")));

/// The kind that a word says: `Particulier`, `Company`.
pub(super) fn of_word(cell: &str) -> Option<Kind> {
    let folded = fold(cell);
    if KIND_WORDS.person.contains(&folded) {
        Some(Kind::Person)
    } else {
        KIND_WORDS.organisation.contains(&folded).then_some(Kind::Organisation)
    }
}

/// The kind that a cell of a column of kinds says; a box that is ticked (`is_company`) says organisation.
pub(super) fn of_kind_cell(cell: &str) -> Option<Kind> {
    let ticked = |yes| if yes { Kind::Organisation } else { Kind::Person };
    of_word(cell).or_else(|| boolean::parse(cell).map(ticked)).or_else(|| of_civility(cell))
}

/// Whether the mailbox is made of the words of a name: `louis.didier@`, `ldidier@`, `didierl@`.
pub(super) fn is_mailbox_of(email: &str, name: &str) -> bool {
    let mailbox: String =
        email.split('@').next().unwrap_or("").chars().filter(|c| c.is_alphabetic()).collect();
    let mailbox = fold(&mailbox);
    let folded = fold(name);
    let words: Vec<&str> = folded.split(' ').filter(|w| !w.is_empty()).collect();
    let [a, .., b] = words.as_slice() else { return false };
    let initial = |w: &str| w.get(..1).unwrap_or("").to_owned();
    let pairs = [(*a, *b), (*b, *a)];
    pairs.iter().any(|(x, y)| {
        [format!("{x}{y}"), format!("{}{y}", initial(x)), format!("{y}{}", initial(x))]
            .contains(&mailbox)
    })
}

/// What all sources together know of names and codes.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    person_names: HashSet<String>,
    organisation_names: HashSet<String>,
    first_names: HashMap<String, u32>,
    person_words: HashMap<String, u32>,
    organisation_words: HashMap<String, u32>,
    keys: HashMap<(String, String), [u32; 2]>,
}

impl Lexicon {
    /// Learns the name of a person; `first` may be empty and `rest` holds all else.
    pub(super) fn learn_person(&mut self, first: &str, rest: &str) {
        for word in fold(first).split(' ').filter(|w| w.len() > 1) {
            *self.first_names.entry(word.to_owned()).or_default() += 1;
        }
        let name = format!("{first} {rest}");
        if let Some(key) = person_key(&name) {
            self.person_names.insert(key);
        }
        for word in fold(&name).split(' ').filter(|w| w.len() > 1) {
            *self.person_words.entry(word.to_owned()).or_default() += 1;
        }
    }

    /// Learns the name of an organisation.
    pub(super) fn learn_organisation(&mut self, name: &str) {
        let words = organisation::words(name);
        self.organisation_names.insert(words.join(" "));
        for word in words.into_iter().filter(|w| w.len() > 1) {
            *self.organisation_words.entry(word).or_default() += 1;
        }
    }

    /// Learns that a code of a key space is a customer of this kind.
    pub(super) fn learn_key(&mut self, key_space: &str, key: &str, kind: Kind) {
        if key_space.is_empty() || key.is_empty() {
            return;
        }
        let counts = self.keys.entry((key_space.to_owned(), key.to_owned())).or_default();
        counts[usize::from(kind == Kind::Organisation)] += 1;
    }

    /// The kind most likely, and whether something tells it.
    pub(super) fn of(&self, name: &str, key_space: &str, key: &str) -> (Kind, bool) {
        if let Some([persons, organisations]) =
            self.keys.get(&(key_space.to_owned(), key.to_owned()))
            && persons != organisations
        {
            return (if persons > organisations { Kind::Person } else { Kind::Organisation }, true);
        }
        let bare = without_civility(name);
        let as_person = person_key(&bare).is_some_and(|k| self.person_names.contains(&k));
        let as_organisation =
            self.organisation_names.contains(&organisation::words(name).join(" "));
        if as_person != as_organisation {
            return (if as_person { Kind::Person } else { Kind::Organisation }, true);
        }
        self.by_words(&bare)
    }

    /// The words of the name weighed one by one, as seen in names of either kind.
    fn by_words(&self, name: &str) -> (Kind, bool) {
        let folded = fold(name);
        let words: Vec<&str> = folded.split(' ').filter(|w| !w.is_empty()).collect();
        let count =
            |table: &HashMap<String, u32>, word: &str| table.get(word).copied().unwrap_or(0);
        let first = |word: &str| is_first_name(word) || count(&self.first_names, word) > 0;
        // One word is a name of persons only where it is known as one: a lone word is mostly a brand.
        if let [word] = words.as_slice() {
            let person = count(&self.person_words, word) > count(&self.organisation_words, word);
            return (if person { Kind::Person } else { Kind::Organisation }, person);
        }
        if words.len() > 5 {
            return (Kind::Organisation, true);
        }
        // In tenths: counts are small, and the same everywhere.
        let mut weight: i64 = 0;
        for word in &words {
            let (p, o) = (count(&self.person_words, word), count(&self.organisation_words, word));
            weight += match (p, o) {
                (0, 0) => 0,
                (0, _) => -20,
                (_, 0) => 15,
                (p, o) if p >= 3 * o => 8,
                (p, o) if o >= 3 * p => -8,
                _ => 0,
            };
        }
        let has_first_name = words.iter().any(|w| first(w));
        weight += if has_first_name { 15 } else { -10 };
        // `DARD P.`: an initial beside one word is a first name.
        if words.len() == 2 && words.iter().any(|w| w.len() == 1) {
            weight += 25;
        }
        // `garage`, `moulin`: telling words, but some are last names too.
        if organisation::looks_like_organisation(name) {
            let all_names = words.iter().all(|w| count(&self.person_words, w) > 0);
            weight -= if all_names { 25 } else { 45 };
        }
        (if weight > 0 { Kind::Person } else { Kind::Organisation }, weight.abs() >= 10)
    }
}

/// The words of a person's name in alphabetical order: first and last name stand in either order.
pub(super) fn person_key(name: &str) -> Option<String> {
    let folded = fold(&without_civility(name));
    let mut words: Vec<&str> = folded.split(' ').filter(|w| !w.is_empty()).collect();
    words.sort_unstable();
    // One word alone is shared by too many.
    (words.len() > 1).then(|| words.join(" "))
}

/// A name without the civility before it.
pub(super) fn without_civility(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    match words.split_first() {
        Some((first, rest)) if !rest.is_empty() && person::civility(first).is_some() => {
            rest.join(" ")
        }
        _ => words.join(" "),
    }
}

/// Whether the first word of a name is a civility.
pub(super) fn begins_civil(name: &str) -> bool {
    name.split_whitespace().next().is_some_and(|first| person::civility(first).is_some())
}

/// Whether a word is known as a first name.
pub(super) fn is_first_name(word: &str) -> bool {
    person::is_first_name(&fold(word))
}

/// Why a row is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Junk {
    /// Typed to try something.
    Test,
    /// An account that gathers customers without one of their own.
    CatchAll,
    /// A total.
    Total,
    /// It goes on with the row above.
    Continuation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JunkWords {
    test_words: dictionary::HashSet<String>,
    test_fillers: dictionary::HashSet<String>,
    test_domains: dictionary::HashSet<String>,
    catch_all: dictionary::HashSet<String>,
    totals: dictionary::HashSet<String>,
    continuations: dictionary::HashSet<String>,
}

static JUNK: LazyLock<JunkWords> =
    LazyLock::new(|| dictionary::read(include_str!("../../mappings/dictionaries/junk.toml")));

/// Whether a row with these names and email addresses is nobody.
pub(super) fn junk(names: &[&str], emails: &[&str]) -> Option<Junk> {
    let folded: Vec<String> = names.iter().map(|n| fold(n)).filter(|n| !n.is_empty()).collect();
    let at_test_domain =
        !emails.is_empty() && emails.iter().all(|e| JUNK.test_domains.contains(&*email_domain(e)));
    if folded.is_empty() {
        return None;
    }
    if folded.iter().all(|n| JUNK.catch_all.contains(n)) {
        return Some(Junk::CatchAll);
    }
    if folded.iter().all(|n| JUNK.totals.contains(n)) {
        return Some(Junk::Total);
    }
    if names.iter().any(|name| is_continuation(name)) {
        return Some(Junk::Continuation);
    }
    let words: Vec<&str> = folded.iter().flat_map(|n| n.split(' ')).collect();
    let is_test = |w: &&str| JUNK.test_words.contains(*w) || is_hammered(w);
    let only = words.iter().all(|w| is_test(w) || JUNK.test_fillers.contains(*w));
    let tests = words.iter().filter(|w| is_test(w)).count();
    // A single hammered or test word may be an acronym or a brand (`AAA`): the rest must agree.
    // Nor is one of a mailbox of its own: in other alphabets a name may be one letter again and again.
    let has_mailbox = emails.iter().any(|email| is_own_mailbox(email));
    let sure = tests > 1 && !has_mailbox
        || at_test_domain
        || words.iter().any(|w| JUNK.test_words.contains(*w));
    if only && tests > 0 && sure {
        return Some(Junk::Test);
    }
    None
}

/// Whether a row may be nobody for this name, whatever its other names are: see [`junk`]. A name of fillers alone
/// (`Jean`) makes none, for another name of the row must hold the word of a test.
pub(super) fn may_be_junk(name: &str) -> bool {
    let folded = fold(name);
    let is_test = |w: &str| JUNK.test_words.contains(w) || is_hammered(w);
    let is_junk_word = |w: &str| is_test(w) || JUNK.test_fillers.contains(w);
    is_continuation(name)
        || JUNK.catch_all.contains(&folded)
        || JUNK.totals.contains(&folded)
        || folded.split(' ').all(is_junk_word) && folded.split(' ').any(is_test)
}

/// Whether a name begins with the mark of a row that goes on with the one above: `(suite) magasin`.
fn is_continuation(name: &str) -> bool {
    let inner = name.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'));
    inner.is_some_and(|(mark, _)| JUNK.continuations.contains(&fold(mark)))
}

/// Whether an address is somebody's: of no test domain, and not typed by hammering.
fn is_own_mailbox(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or("");
    let is_test = |w: &str| JUNK.test_words.contains(w) || is_hammered(w);
    !local.trim().is_empty()
        && !fold(local).split(' ').any(is_test)
        && !JUNK.test_domains.contains(&*email_domain(address))
}

fn email_domain(address: &str) -> String {
    address.rsplit('@').next().unwrap_or("").trim().to_lowercase()
}

/// One letter again and again: `xxxx`, `aaa`.
fn is_hammered(word: &str) -> bool {
    let mut letters = word.chars();
    let first = letters.next();
    word.len() >= 3 && letters.all(|c| Some(c) == first)
}

/// Whether the text is the name of somebody: no blank, no placeholder, at least one letter or digit.
pub(super) fn is_name(text: &str) -> bool {
    let has_letter = || text.bytes().any(|b| b.is_ascii_alphanumeric()) || !fold(text).is_empty();
    !is_placeholder(text) && has_letter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_domain_says_nothing_of_the_kind() {
        let of = |email| {
            of_row(&Evidence {
                name: "GUICHARD THIERRY",
                emails: vec![email],
                ..Evidence::default()
            })
        };
        assert_eq!(of("contact@guichard.fr"), Some(Kind::Organisation));
        assert_eq!(of("contact@"), None);
    }

    fn told(name: &str) -> Option<Kind> {
        of_row(&Evidence { name, ..Evidence::default() })
    }

    #[test]
    fn the_row_tells_the_kind_where_it_can() {
        assert_eq!(told("Mme HUSSON Jacky"), Some(Kind::Person));
        assert_eq!(told("STIEVENARD & FILS"), Some(Kind::Organisation));
        assert_eq!(told("DIDIER LOUIS"), None);
        let civility =
            |civility| of_row(&Evidence { name: "DUPONT", civility, ..Evidence::default() });
        assert_eq!(civility("SARL"), Some(Kind::Organisation));
        assert_eq!(civility("Monsieur"), Some(Kind::Person));
        let mailbox = Evidence {
            name: "DIDIER LOUIS",
            emails: vec!["l.didier@firm.fr"],
            ..Evidence::default()
        };
        assert_eq!(of_row(&mailbox), Some(Kind::Person));
    }

    #[test]
    fn a_row_that_goes_on_is_nobody_and_a_mailbox_saves_letters_that_repeat() {
        assert_eq!(junk(&["(suite) magasin"], &[]), Some(Junk::Continuation));
        assert_eq!(junk(&["Suite magasin"], &[]), None);
        assert!(may_be_junk("(Forts.) Lager"));
        assert_eq!(junk(&["ÑÑÑÑ", "ÑÑÑÑ"], &["henry@company.com"]), None);
        assert_eq!(junk(&["xxxx", "aaa"], &["xxx@aaa.fr"]), Some(Junk::Test));
        assert_eq!(junk(&["xxxx", "aaa"], &[]), Some(Junk::Test));
    }

    #[test]
    fn the_same_code_or_name_elsewhere_tells_it() {
        let mut lexicon = Lexicon::default();
        lexicon.learn_person("Louis", "Didier");
        lexicon.learn_organisation("Mécapur");
        lexicon.learn_key("books", "C1", Kind::Organisation);
        assert_eq!(lexicon.of("DIDIER LOUIS", "", ""), (Kind::Person, true));
        assert_eq!(lexicon.of("MECAPUR", "", ""), (Kind::Organisation, true));
        assert_eq!(lexicon.of("DIDIER LOUIS", "books", "C1"), (Kind::Organisation, true));
        assert_eq!(lexicon.of("DIDIER LOUIS", "other books", "C1"), (Kind::Person, true));
        assert_eq!(lexicon.of("PETIT LOUIS", "", ""), (Kind::Person, true));
        assert_eq!(lexicon.of("ATELIER MECAPUR", "", ""), (Kind::Organisation, true));
        assert_eq!(lexicon.of("GARAGE LOUIS", "", ""), (Kind::Organisation, true));
        assert_eq!(lexicon.of("DARD P.", "", ""), (Kind::Person, true));
        lexicon.learn_person("Anne", "Moulin");
        assert_eq!(lexicon.of("MOULIN LOUIS", "", "").0, Kind::Person);
    }

    #[test]
    fn one_name_at_least_of_a_row_that_is_nobody_tells_so_by_itself() {
        let names = ["Jean", "Test", "Jean Test", "Client", "aaa", "Total", "Divers", "Martin", ""];
        for first in names {
            for last in names {
                let may_be = may_be_junk(first) || may_be_junk(last);
                assert!(may_be || junk(&[first, last], &["a@test.fr"]).is_none(), "{first} {last}");
            }
        }
        assert!(!may_be_junk("Jean") && !may_be_junk("Mme"));
    }

    #[test]
    fn tests_and_catch_all_accounts_are_nobody() {
        assert_eq!(junk(&["Test", "Test"], &["test@test.fr"]), Some(Junk::Test));
        assert_eq!(junk(&["SOCIETE TEST", "Jean Test"], &["test@example.com"]), Some(Junk::Test));
        assert_eq!(junk(&["xxxxx", "xxxx"], &[]), Some(Junk::Test));
        assert_eq!(junk(&["CLIENTS DIVERS"], &[]), Some(Junk::CatchAll));
        assert_eq!(junk(&["Total général"], &[]), Some(Junk::Total));
        assert_eq!(junk(&["AAA"], &[]), None);
        assert_eq!(junk(&["Laboratoire Test et Mesure"], &[]), None);
        assert_eq!(junk(&["Jean", "Martin"], &["j@example.com"]), None);
        assert_eq!(junk(&[], &["a@example.com"]), None);
    }
}
