//! Person names: civilities, order, particles, compound first names, several persons in one cell.
//!
//! [`normalize`] brings one part to its form, [`split()`] takes a whole cell apart, [`several()`] tells
//! the persons that share one. What is known of words stands in `mappings/dictionaries`.

mod part;
mod split;
mod several;

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use serde::Deserialize;

use super::{
    Issue,
    dictionary::{self, HashMap, HashSet, Words},
    text,
};

pub(crate) use part::titled;
pub use part::{check, fault, normalize};
pub use several::{Named, several};
pub(crate) use several::{civilities_beside, first_names, may_be_several, two_civilities};
pub use split::{doubts, first_and_middle, form_of_address, split, split_first, split_last};

/// The parts of a person's name, each in canonical form, empty when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// `M.`, `Mme`, `Dr`, `Pr`, `Me`.
    pub civility: String,
    /// What stands beside the civility: `Ing.`, `Comte`.
    pub title: String,
    /// `m` or `f` where a civility or title tells; never told by a first name.
    pub gender: String,
    /// Whether the canonical civility no longer tells the gender: `Frau Dr.` became `Dr`.
    pub gender_hidden: bool,
    /// `Jean-Pierre`.
    pub first: String,
    /// Further first names.
    pub middle: String,
    /// `de La Tour`.
    pub last: String,
    /// Name before marriage.
    pub maiden: String,
    /// `Jr`, `III`, `fils`.
    pub suffix: String,
    /// A name that friends use: `Bob`.
    pub nickname: String,
    /// What was wrong with the cell.
    pub issues: Vec<Issue>,
}

impl PersonName {
    /// Whether first and last may stand in each other's place.
    pub fn order_doubtful(&self) -> bool {
        self.issues.contains(&ORDER_GUESSED)
    }

    /// Puts first and last name in each other's place, for good.
    pub fn swap(&mut self) {
        std::mem::swap(&mut self.first, &mut self.last);
        self.issues.retain(|issue| *issue != ORDER_GUESSED);
    }
}

/// One line that [`split()`] reads back as the same parts.
impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = [&self.civility, &self.title];
        for part in before.into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{part} ")?;
        }
        f.write_str(&self.last)?;
        if !self.first.is_empty() {
            write!(f, ", {}", self.first)?;
        }
        if !self.middle.is_empty() {
            write!(f, ", {}", self.middle)?;
        }
        if !self.suffix.is_empty() {
            write!(f, ", {}", self.suffix)?;
        }
        if !self.maiden.is_empty() {
            write!(f, " (née {})", self.maiden)?;
        }
        if !self.nickname.is_empty() {
            write!(f, " \"{}\"", self.nickname)?;
        }
        Ok(())
    }
}

const ORDER_GUESSED: Issue =
    Issue::doubtful("order_guessed", "which word is the first name is a guess");
const TEXT_LEFT_OUT: Issue =
    Issue::likely("text_left_out", "words in parentheses that say nothing known were left out");
const ORGANISATION: Issue =
    Issue::doubtful("organisation_name", "the words are those of an organisation");
const JOINT_OWNERS: Issue =
    Issue::doubtful("joint_owners", "several owners under one name, a home or an estate");
const SEVERAL_PERSONS: Issue = Issue::doubtful("several_persons", "it names more than one person");
const OLD_CIVILITY: Issue = Issue::known("old_civility", "its civility is no longer written");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Civility {
    forms: Words,
    #[serde(default)]
    old: Option<Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Civilities {
    civility: BTreeMap<String, Civility>,
    gender: BTreeMap<String, Words>,
    gender_words: BTreeMap<String, Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Titles {
    before: BTreeMap<String, Words>,
    nobility: BTreeMap<String, String>,
    noble_name: NobleName,
    behind: BTreeMap<String, Words>,
    generation: BTreeMap<String, Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NobleName {
    words: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameWords {
    birth: Words,
    usage: Words,
    nickname: Words,
    link: Words,
    plain_link: Words,
    couple: Words,
    firm: Words,
    vietnamese: Words,
    vietnamese_middle: Words,
    plural: BTreeMap<String, Words>,
    joint: Joint,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joint {
    words: Words,
    families: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstNames {
    names: Words,
    also_last_names: Words,
    women: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nicknames {
    stands_for: BTreeMap<String, Vec<String>>,
    compound: Compound,
    spaced: BTreeMap<String, Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compound {
    with_men: Words,
    with_women: Words,
    men: Words,
    women: Words,
}

#[derive(Deserialize)]
struct Particles {
    names: Words,
    inner: Words,
    capitals: Words,
    italian: Words,
    spanish: Words,
    openers: Words,
    mac: Words,
    irish: Words,
}

struct Lexicon {
    civilities: HashMap<String, String>,
    old_civilities: HashSet<String>,
    genders: HashMap<String, String>,
    gender_words: HashMap<String, String>,
    titles: HashMap<String, String>,
    nobility: HashMap<String, String>,
    noble_names: HashSet<String>,
    behind: HashMap<String, String>,
    /// From what stands behind a name to the generation it tells.
    generations: HashMap<String, String>,
    birth: HashSet<String>,
    usage: HashSet<String>,
    nickname: HashSet<String>,
    link: HashSet<String>,
    plain_link: HashSet<String>,
    couple: HashSet<String>,
    firm: HashSet<String>,
    plural: HashMap<String, String>,
    joint: HashSet<String>,
    families: HashSet<String>,
    first_names: HashSet<String>,
    also_last_names: HashSet<String>,
    /// How long the longest of `link` is.
    longest_link: usize,
    /// First names that only women bear.
    of_women: HashSet<String>,
    stands_for: HashMap<String, Vec<String>>,
    before_men: HashSet<String>,
    before_women: HashSet<String>,
    men: HashSet<String>,
    women: HashSet<String>,
    /// Second names that follow a first one without a hyphen.
    spaced: HashMap<String, HashSet<String>>,
    particles: HashSet<String>,
    inner: HashSet<String>,
    capitals: HashSet<String>,
    /// Particle and name, where the particle has a capital in Italian alone.
    italian: HashSet<String>,
    /// Names before which `la` is small.
    spanish: HashSet<String>,
    vietnamese: HashSet<String>,
    vietnamese_middle: HashSet<String>,
    openers: HashSet<String>,
    mac: HashSet<String>,
    irish: HashSet<String>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let civilities: Civilities =
        dictionary::read(include_str!("../../../mappings/dictionaries/civilities.toml"));
    let old = civilities.civility.values().filter_map(|c| c.old.as_ref());
    let old_civilities = old.flat_map(Words::to_vec).collect();
    let forms: BTreeMap<String, Words> = civilities
        .civility
        .into_iter()
        .map(|(canonical, c)| {
            let old = c.old.map(|old| old.to_vec()).unwrap_or_default();
            (canonical, Words::List([c.forms.to_vec(), old].concat()))
        })
        .collect();
    let titles: Titles =
        dictionary::read(include_str!("../../../mappings/dictionaries/titles.toml"));
    let words: NameWords =
        dictionary::read(include_str!("../../../mappings/dictionaries/name_words.toml"));
    let first: FirstNames =
        dictionary::read(include_str!("../../../mappings/dictionaries/first_names.toml"));
    let nicknames: Nicknames =
        dictionary::read(include_str!("../../../mappings/dictionaries/nicknames.toml"));
    let particles: Particles =
        dictionary::read(include_str!("../../../mappings/dictionaries/particles.toml"));
    Lexicon {
        civilities: dictionary::inverted(&forms),
        old_civilities,
        genders: dictionary::inverted(&civilities.gender),
        gender_words: dictionary::inverted(&civilities.gender_words),
        titles: dictionary::inverted(&titles.before),
        nobility: titles.nobility.into_iter().collect(),
        noble_names: titles.noble_name.words.to_set(),
        behind: dictionary::inverted(&titles.behind),
        generations: dictionary::inverted(&titles.generation),
        birth: words.birth.to_set(),
        usage: words.usage.to_set(),
        nickname: words.nickname.to_set(),
        longest_link: words.link.to_vec().iter().map(String::len).max().unwrap_or(0),
        link: words.link.to_set(),
        plain_link: words.plain_link.to_set(),
        couple: words.couple.to_set(),
        firm: words.firm.to_set(),
        plural: dictionary::inverted(&words.plural),
        joint: words.joint.words.to_set(),
        families: words.joint.families.to_set(),
        first_names: first.names.to_set(),
        also_last_names: first.also_last_names.to_set(),
        of_women: first.women.to_set(),
        stands_for: nicknames.stands_for.into_iter().collect(),
        before_men: nicknames.compound.with_men.to_set(),
        before_women: nicknames.compound.with_women.to_set(),
        men: nicknames.compound.men.to_set(),
        women: nicknames.compound.women.to_set(),
        spaced: nicknames
            .spaced
            .into_iter()
            .map(|(name, seconds)| (name, seconds.to_set()))
            .collect(),
        particles: particles.names.to_set(),
        inner: particles.inner.to_set(),
        capitals: particles.capitals.to_set(),
        italian: particles.italian.to_set(),
        spanish: particles.spanish.to_set(),
        vietnamese: words.vietnamese.to_set(),
        vietnamese_middle: words.vietnamese_middle.to_set(),
        openers: particles.openers.to_set(),
        mac: particles.mac.to_set(),
        irish: particles.irish.to_set(),
    }
});

/// The longest text that can be a civility, in bytes: longer ones need not be looked up.
const LONGEST_CIVILITY: usize = 32;

/// The canonical civility that the text is, if it is one: `Monsieur` is `M.`.
pub fn civility(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST_CIVILITY {
        return None;
    }
    LEXICON.civilities.get(&text::fold(text)).map(String::as_str)
}

/// `m` or `f` where the civility or title tells: `Frau Dr.`, `Dott.ssa`; `Dr` alone does not.
pub fn gender_of(civility: &str) -> Option<&'static str> {
    let folded = text::fold(civility);
    let canonical = match self::civility(civility) {
        Some("M.") => Some("m"),
        Some("Mme") => Some("f"),
        _ => None,
    };
    canonical.or_else(|| LEXICON.genders.get(&folded).map(String::as_str))
}

/// Whether only women bear the first name, or the first of several: `Marie-Laure`; `Jean-Marie` is a man's.
pub fn is_woman(first: &str) -> bool {
    let folded = text::fold(first);
    LEXICON.of_women.contains(folded.split(' ').next().unwrap_or_default())
}

/// `m` or `f` where the cell of a gender column says so: `Femme`, `H`, `2`.
pub fn gender(cell: &str) -> Option<&'static str> {
    LEXICON.gender_words.get(&text::fold(cell)).map(String::as_str)
}

/// `elder`, `younger` or a number where what stands behind a name tells father from son: `Jr`, `père`.
pub fn generation_of(suffix: &str) -> Option<&'static str> {
    let words = suffix.split(' ');
    words.into_iter().find_map(|word| LEXICON.generations.get(word)).map(String::as_str)
}

/// Whether the text names several owners together, an estate, or a home rather than somebody:
/// `Indivision Martin`, `Consorts Roy`, `Erbengemeinschaft Huber`, `Famille Petit`.
pub fn is_joint(text: &str) -> bool {
    let folded = text::fold(text);
    let lists = |at: usize, phrase: &str| {
        LEXICON.joint.contains(phrase) || at == 0 && LEXICON.families.contains(phrase)
    };
    // Where the words begin, and where the text ends as if a blank followed.
    let blanks = folded.match_indices(' ').map(|(blank, _)| blank + 1);
    let starts: Vec<usize> = std::iter::once(0).chain(blanks).chain([folded.len() + 1]).collect();
    let phrases = |n: usize| starts.windows(n + 1).map(move |ends| ends[0]..ends[n] - 1);
    starts.len() > 2
        && (1..=2).any(|n| phrases(n).any(|phrase| lists(phrase.start, &folded[phrase])))
}

/// The full first names that a short one may stand for, all folded; empty for one that is full.
pub fn nicknames_of(folded: &str) -> &'static [String] {
    LEXICON.stands_for.get(folded).map_or(&[], Vec::as_slice)
}

/// Whether two folded first names may be one: `bob` and `robert`, `jp` and `jean pierre`.
pub fn may_be_same_first_name(left: &str, right: &str) -> bool {
    let (short, other) = (nicknames_of(left), nicknames_of(right));
    left == right
        || short.iter().any(|full| full == right || other.contains(full))
        || other.iter().any(|full| full == left)
}

/// Whether the folded text is a common first name, or is made of them: `jean pierre`.
pub fn is_first_name(folded: &str) -> bool {
    !folded.is_empty() && folded.split(' ').all(|word| LEXICON.first_names.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_first_names_stand_for_full_ones() {
        for (left, right) in [
            ("bob", "robert"),
            ("jp", "jean pierre"),
            ("steph", "stephanie"),
            ("alex", "alexandra"),
            ("chris", "christophe"),
        ] {
            assert!(
                may_be_same_first_name(left, right) && may_be_same_first_name(right, left),
                "{left} {right}"
            );
        }
        assert!(!may_be_same_first_name("paul", "pierre"));
    }

    #[test]
    fn a_civility_tells_the_gender_and_a_doctor_does_not() {
        assert_eq!(gender_of("Mlle"), Some("f"));
        assert_eq!(gender_of("Herr"), Some("m"));
        assert_eq!(gender_of("Dott.ssa"), Some("f"));
        assert_eq!(gender_of("Dr"), None);
    }

    #[test]
    fn owners_together_and_estates_are_told() {
        for name in [
            "Indivision Martin",
            "CONSORTS ROY",
            "Succession de M. Petit",
            "Erbengemeinschaft Huber",
            "Estate of John Smith",
            "Famille Petit",
        ] {
            assert!(is_joint(name), "{name}");
        }
        for name in ["Jean Martin", "Consort", "Marie Famille"] {
            assert!(!is_joint(name), "{name}");
        }
    }

    /// `civility [title] first/middle|last née maiden ^suffix ~nickname`, without what is empty.
    fn shown(name: &PersonName) -> String {
        let mut shown = String::new();
        for (before, part, after) in [
            ("", &name.civility, " "),
            ("[", &name.title, "] "),
            ("", &name.first, ""),
            ("/", &name.middle, ""),
            ("|", &name.last, ""),
            (" née ", &name.maiden, ""),
            (" ^", &name.suffix, ""),
            (" ~", &name.nickname, ""),
        ] {
            if !part.is_empty() {
                shown.push_str(&[before, part, after].concat());
            }
        }
        shown
    }

    /// What the cell of a table of persons holds, in the notation of `tests/values/persons.tsv`.
    fn told(cell: &str) -> (String, bool) {
        if is_joint(cell) {
            return ("joint".into(), true);
        }
        if let Some(persons) = several(cell, true) {
            let each = persons.iter().map(|p| {
                let (first, middle) = first_and_middle(&p.first);
                let civility = civility_of_all(&p.civility);
                shown(&PersonName {
                    civility,
                    first,
                    middle,
                    last: normalize(&p.last),
                    ..PersonName::default()
                })
            });
            return (each.collect::<Vec<_>>().join(" && "), false);
        }
        let name = split(cell);
        let issues: Vec<Issue> = name.issues.iter().cloned().chain(doubts(cell)).collect();
        let doubtful = issues.iter().any(|i| i.certainty == crate::value::Certainty::Doubtful);
        if issues.contains(&ORGANISATION) {
            return ("firm".into(), true);
        }
        (shown(&name), doubtful)
    }

    /// The canonical civility of one or several civility words.
    fn civility_of_all(civility: &str) -> String {
        form_of_address(civility).map_or_else(String::new, |name| name.civility)
    }

    #[test]
    fn the_parts_of_names_are_those_of_the_rules_of_their_language() {
        let table = include_str!("../../../tests/values/persons.tsv");
        let (mut wrong, mut all) = (Vec::new(), 0);
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let [language, cell, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("three columns: {line}");
            };
            all += 1;
            let (told, doubtful) = told(cell);
            let right = if expected.starts_with("ambiguous") { doubtful } else { told == expected };
            if !right {
                wrong.push(format!("{language} {cell}: {told} for {expected}"));
            }
        }
        assert!(all >= 400, "{all} names");
        assert!(wrong.is_empty(), "{} of {all}\n{}", wrong.len(), wrong.join("\n"));
    }

    fn some_word() -> impl Strategy<Value = String> {
        let words = "Jean|PIERRE|Marie|josé|Luis|Anne-Sophie|Hélène|He\u{301}lène|J\\.|JP|Dupont|DUPONT|Le|LE|GOFF|El|Ben|de|DE|La|van|VAN|der|'t|von|und|zu|Di|D'ARTAGNAN|d’Estaing|O'BRIEN|O|NEILL|MCDONALD|Mac|Strauß|García|y|Łukasz|Œuvre|Jr|III|fils|M\\.|Mme|Dr|Frau|Herr|née|épouse|geb\\.|et|und|,|Graf|Comte|Don|D\\.|\\(Bob\\)|\"Bob\"";
        proptest::string::string_regex(words).expect("a list of words")
    }

    proptest! {
        #[test]
        fn a_name_that_was_split_is_split_the_same(words in proptest::collection::vec(some_word(), 1..6)) {
            let name = split(&words.join(" "));
            for part in [&name.first, &name.middle, &name.last, &name.maiden, &name.nickname] {
                prop_assert_eq!(&normalize(part), part);
            }
            let last = split_last(&name.last);
            prop_assert_eq!(&last.last, &name.last, "last name of {:?}", words);
            prop_assert!(last.maiden.is_empty());
            let first = split_first(&name.first);
            prop_assert_eq!((&first.first, first.middle.as_str()), (&name.first, ""), "first name of {:?}", words);
        }

        #[test]
        fn a_whole_name_reads_back_as_its_parts(
            first in "(Jean|Anne-Sophie|Hélène|Łukasz|Conan|Zork)",
            middle in "(|Paul|J\\.)",
            last in "(Dupont|de La Tour|van der Berg|in 't Veld|von und zu Berg|d'Artagnan|O'Brien|McDonald|Le Goff|Saint-Rémy|García López|Ortega y Gasset|Di Stefano|Strauß)",
            maiden in "(|Durand|du Plessis)",
            suffix in "(|Jr|III)",
            civility in "(|M\\.|Mme|Dr)",
        ) {
            let name = PersonName { civility, first, middle, last, maiden, suffix, ..PersonName::default() };
            let again = split(&name.to_string());
            let parts = |n: &PersonName| [&n.civility, &n.first, &n.middle, &n.last, &n.maiden, &n.suffix].map(String::clone);
            prop_assert_eq!(parts(&again), parts(&name));
        }
    }
}
