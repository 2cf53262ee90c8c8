//! Organisation names: legal forms, abbreviations, acronyms.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::LazyLock,
};

use serde::Deserialize;

use super::{
    Issue,
    dictionary::{self, HashMap, HashSet, Words},
    text,
};

/// An organisation's name taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganisationName {
    /// The name as written, without its legal form and its other names.
    pub name: String,
    /// `SARL`, or empty.
    pub form: String,
    /// ISO codes of the countries that have the form: a hint, no address. Empty when none is known.
    pub countries: Vec<&'static str>,
    /// Other names: the brand, the sign over the door, a former name.
    pub aliases: Vec<String>,
    /// What was wrong with the cell.
    pub issues: Vec<Issue>,
}

const PERSON: Issue = Issue::doubtful("person_name", "the words are those of a person's name");
const JOINT_OWNERS: Issue =
    Issue::doubtful("joint_owners", "several owners under one name, a home or an estate");
const OTHER_NAME: Issue = Issue::likely("other_name", "a second name was taken as an alias");
const BRANCH: Issue = Issue::likely("branch", "a word tells a branch of a larger organisation");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LegalForms {
    forms: BTreeMap<String, Form>,
}

/// One legal form, as its file explains.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "in")]
    countries: String,
    #[serde(default)]
    opens: bool,
    #[serde(default)]
    capitals: bool,
    #[serde(default)]
    anywhere: bool,
    #[serde(default)]
    written: String,
    #[serde(default)]
    stays: String,
    #[serde(default)]
    dotted: String,
    #[serde(default)]
    not_after: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanyWords {
    telling: Words,
    after_and: Words,
    link: Words,
    general: Words,
    other_name: Vec<String>,
    other_name_small: Vec<String>,
    branch: Words,
    short: BTreeMap<String, String>,
}

/// What a spelling of a legal form means.
#[derive(Debug, Clone, Copy)]
struct Spelling {
    form: &'static str,
    /// It stands before a name too.
    opens: bool,
    /// It stays at the start of a name.
    stays: bool,
    /// It is told in capitals or with dots only.
    capitals: bool,
    /// It is told within a name in any case.
    anywhere: bool,
}

struct Lexicon {
    forms: HashMap<&'static str, Spelling>,
    dotted: HashMap<&'static str, Spelling>,
    countries: HashMap<&'static str, Vec<&'static str>>,
    not_after: HashMap<&'static str, HashSet<&'static str>>,
    longest_form: usize,
    telling: HashSet<String>,
    after_and: HashSet<String>,
    link: HashSet<String>,
    general: HashSet<String>,
    /// Phrases that announce another name, by their first word, with whether they are told in small
    /// letters or with marks only.
    other_name: HashMap<String, Vec<(String, bool)>>,
    branch: HashSet<String>,
    short: HashMap<String, String>,
}

/// The legal forms as read once: what is looked up in them lives as long as the program.
static FORMS: LazyLock<BTreeMap<String, Form>> = LazyLock::new(|| {
    dictionary::read::<LegalForms>(include_str!("../../mappings/dictionaries/legal_forms.toml"))
        .forms
});

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let words: CompanyWords =
        dictionary::read(include_str!("../../mappings/dictionaries/company_words.toml"));
    let (mut forms, mut dotted) = (HashMap::default(), HashMap::default());
    let (mut countries, mut not_after) = (HashMap::default(), HashMap::default());
    for (canonical, form) in FORMS.iter() {
        let form_name = canonical.as_str();
        let spelling = Spelling {
            form: form_name,
            opens: form.opens,
            stays: false,
            capitals: form.capitals,
            anywhere: form.anywhere,
        };
        forms.extend(form.written.split_whitespace().map(|key| (key, spelling)));
        let stays = Spelling { opens: false, stays: true, ..spelling };
        forms.extend(form.stays.split_whitespace().map(|key| (key, stays)));
        dotted.extend(form.dotted.split_whitespace().map(|key| (key, spelling)));
        countries.insert(form_name, form.countries.split_whitespace().collect());
        not_after.insert(form_name, form.not_after.split_whitespace().collect());
    }
    let mut other_name: HashMap<String, Vec<(String, bool)>> = HashMap::default();
    let sure = words.other_name.into_iter().map(|phrase| (phrase, false));
    for (phrase, small) in sure.chain(words.other_name_small.into_iter().map(|p| (p, true))) {
        let first = phrase.split(' ').next().unwrap_or_default().to_owned();
        other_name.entry(first).or_default().push((phrase, small));
    }
    Lexicon {
        longest_form: forms.keys().map(|key| key.len()).max().unwrap_or(0),
        forms,
        dotted,
        countries,
        not_after,
        telling: words.telling.to_set(),
        after_and: words.after_and.to_set(),
        link: words.link.to_set(),
        general: words.general.to_set(),
        other_name,
        branch: words.branch.to_set(),
        short: words.short.into_iter().collect(),
    }
});

/// The most words of a legal form written out: `société d'exercice libéral à responsabilité limitée`.
const MOST_FORM_WORDS: usize = 10;

/// The words of a name.
struct Spelled<'n> {
    words: Vec<Word<'n>>,
    /// Their keys, end to end: words side by side spell one key.
    keys: String,
}

/// A word of a name: where it stands, and its letters folded without dots.
#[derive(Debug)]
struct Word<'n> {
    start: usize,
    end: usize,
    written: &'n str,
    /// Where its key stands in [`Spelled::keys`].
    key: Range<usize>,
    /// Written in capitals or with dots, as short legal forms are.
    marked: bool,
    /// Written with dots.
    dotted: bool,
    /// Written with one capital: `Sia`.
    titled: bool,
}

impl<'n> Spelled<'n> {
    fn of(name: &'n str) -> Spelled<'n> {
        let mut spelled = Spelled { words: Vec::new(), keys: String::with_capacity(name.len()) };
        let mut start = None;
        let ends = name.char_indices().map(Some).chain([None]);
        for at in ends {
            let (position, inside) = match at {
                Some((position, c)) => (
                    position,
                    c.is_alphanumeric()
                        || c == '.'
                        || c == '&'
                        || c == '/' && joins_letters(name, position),
                ),
                None => (name.len(), false),
            };
            match (start, inside) {
                (None, true) => start = Some(position),
                (Some(from), false) => {
                    spelled.add(name, from, position);
                    start = None;
                }
                _ => {}
            }
        }
        spelled
    }

    fn add(&mut self, name: &'n str, start: usize, end: usize) {
        let written = &name[start..end];
        let from = self.keys.len();
        push_key(written, &mut self.keys);
        if self.keys.len() == from + 2 && written.contains('/') {
            self.keys.insert(from + 1, '/');
        }
        let letters = || written.chars().filter(|c| c.is_alphabetic());
        // A dot before the end.
        let dotted = written.trim_end_matches('.').contains('.');
        let upper = letters().next().is_some() && letters().all(|c| !c.is_lowercase());
        let titled = letters().next().is_some_and(char::is_uppercase)
            && letters().nth(1).is_some()
            && letters().skip(1).all(char::is_lowercase);
        self.words.push(Word {
            start,
            end,
            written,
            key: from..self.keys.len(),
            marked: written.contains('.') || upper,
            dotted,
            titled,
        });
    }

    /// The key that these words spell together.
    fn key(&self, words: Range<usize>) -> &str {
        let words = &self.words[words];
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return "" };
        &self.keys[first.key.start..last.key.end]
    }

    /// The key of one word.
    fn key_at(&self, at: usize) -> &str {
        &self.keys[self.words[at].key.clone()]
    }
}

/// Adds the letters and digits of a word, folded.
fn push_key(written: &str, keys: &mut String) {
    if written.is_ascii() {
        let letters = written.chars().filter(char::is_ascii_alphanumeric);
        keys.extend(letters.map(|c| c.to_ascii_lowercase()));
    } else {
        keys.push_str(&text::fold(&written.replace('.', "")).replace(' ', ""));
    }
}

/// Whether the slash stands between two single letters: `A/S`.
fn joins_letters(name: &str, slash: usize) -> bool {
    let mut before = name[..slash].chars().rev();
    let mut after = name[slash + 1..].chars();
    let alone = |letters: &mut dyn Iterator<Item = char>| {
        letters.next().is_some_and(char::is_alphabetic)
            && !letters.next().is_some_and(char::is_alphanumeric)
    };
    alone(&mut before) && alone(&mut after)
}

/// The legal form that the words spell together.
fn form_of(name: &Spelled<'_>, at: Range<usize>) -> Option<Spelling> {
    let key = name.key(at.clone());
    if key.len() > LEXICON.longest_form {
        return None;
    }
    let words = &name.words[at];
    let with_dots = words.iter().any(|w| w.dotted)
        || words.len() > 1 && words.iter().all(|w| w.key.len() == 1 && w.marked);
    let found = LEXICON.dotted.get(key).filter(|_| with_dots);
    let spelling = *found.or_else(|| LEXICON.forms.get(key))?;
    // A name may end in `As` or `Sa`; the form is written `AS`, `S.A.`.
    let short = key.len() <= 2
        && !words.iter().all(|w| w.marked)
        && words.iter().all(|w| w.written != spelling.form);
    let a_word = spelling.capitals && words.len() == 1 && words[0].titled && !words[0].marked;
    // `E.U.` is what a narrow column leaves of `E.U.R.L.`: initials of both cases are written in both.
    let lower = |text: &str| text.chars().any(char::is_lowercase);
    let cut = key.len() <= 2
        && lower(spelling.form)
        && spelling.form.chars().any(char::is_uppercase)
        && !words.iter().any(|w| lower(w.written));
    (!short && !a_word && !cut).then_some(spelling)
}

/// Splits a name into itself without its legal form, and the canonical form (`SARL`) or empty.
///
/// The form is looked for at the end, at the start, in parentheses and within, with or without dots. The name
/// keeps its writing; a name that is nothing but a form stays whole.
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
    let spelled = Spelled::of(name);
    let words = &spelled.words;
    let count = words.len();
    let most = MOST_FORM_WORDS.min(count);
    for n in (1..=most).rev().filter(|&n| n < count) {
        let (before, tail) = (count - n - 1, count - n..count);
        if let Some(spelling) = form_of(&spelled, tail.clone())
            && !LEXICON.not_after[spelling.form].contains(spelled.key_at(before))
            && !(is_a_word(spelling) && follows_and(name, &words[tail.start]))
        {
            let shorter = trim_marks(&name[..words[tail.start].start]);
            if has_own_word(&shorter) {
                return Some((shorter, spelling.form));
            }
        }
    }
    for n in (1..=most).rev() {
        let Some(spelling) = form_of(&spelled, 0..n) else { continue };
        if spelling.stays {
            return Some((name.to_owned(), spelling.form));
        }
        let end = words[n - 1].end;
        if n < count && (spelling.opens || separated(name, end)) {
            let shorter = trim_marks(&name[end..]);
            if has_letters(&shorter) {
                return Some((shorter, spelling.form));
            }
        }
    }
    form_within(name, &spelled)
}

/// Whether the form's spelling is a word too: `Spa`.
fn is_a_word(spelling: Spelling) -> bool {
    !LEXICON.not_after[spelling.form].is_empty()
}

/// Whether `&` stands before the word, or is its start.
fn follows_and(name: &str, word: &Word<'_>) -> bool {
    word.key.is_empty() || name[..word.start].trim_end().ends_with(['&', '+', '\''])
}

/// Whether more than articles is left: `Le SAS` is no SAS called `Le`.
fn has_own_word(name: &str) -> bool {
    text::fold(name).split(' ').any(|word| !word.is_empty() && !LEXICON.link.contains(word))
}

/// `Dupont SARL Lyon`: a form within the name, where it is no word of it.
fn form_within(name: &str, spelled: &Spelled<'_>) -> Option<(String, &'static str)> {
    let words = &spelled.words;
    let in_capitals = !name.chars().any(char::is_lowercase);
    for at in 1..words.len().saturating_sub(1) {
        let most = MOST_FORM_WORDS.min(words.len() - 1 - at);
        for n in (1..=most).rev() {
            let Some(spelling) = form_of(spelled, at..at + n).filter(|s| !s.stays) else {
                continue;
            };
            let phrase = &words[at..at + n];
            let before = spelled.key_at(at - 1);
            // `LES AS DU VOLANT`, `La SEM de Lyon`, `Union SCI du Lac`.
            let clear = if spelled.key(at..at + n).len() > 2 {
                phrase.iter().all(|w| w.marked) && !in_capitals
                    || phrase.iter().any(|w| w.dotted)
                    || spelling.anywhere
            } else {
                phrase.iter().any(|w| w.dotted) || !in_capitals
            };
            let within_phrase = LEXICON.link.contains(before)
                || before.len() <= 1
                || LEXICON.not_after[spelling.form].contains(before)
                || spelled.key_at(at + n).is_empty();
            if !clear || within_phrase {
                continue;
            }
            let head = trim_marks(&name[..words[at - 1].end]);
            let tail = name[phrase[n - 1].end..].trim_start_matches([',', ';', '.']);
            let shorter = text::clean(&format!("{head} {tail}"));
            if has_letters(&head) && has_letters(tail) && !tail.trim_start().starts_with(')') {
                return Some((shorter, spelling.form));
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
    let form = legal_form(&name[open + 1..close])?;
    let outside = trim_marks(&text::clean(&format!("{} {}", &name[..open], &name[close + 1..])));
    has_letters(&outside).then_some((outside, form))
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
    let dotted = LEXICON.dotted.get(key.as_str()).filter(|_| text.contains('.'));
    dotted.or_else(|| LEXICON.forms.get(key.as_str())).map(|spelling| spelling.form)
}

/// ISO codes of the countries that have the canonical form.
pub fn countries_of(form: &str) -> &'static [&'static str] {
    LEXICON.countries.get(form).map_or(&[], Vec::as_slice)
}

/// Takes a name apart: legal form, brand and former names beside the name.
///
/// `X (enseigne Y)`, `X dba Y`, `X ex Y` and `X SARL - Y` give the alias `Y`. A branch (`Agence de Lyon`)
/// and a town stay in the name: establishments and members of a group are organisations of their own.
pub fn read(cell: &str) -> OrganisationName {
    let whole = text::clean(cell);
    let mut names: Vec<String> = Vec::new();
    let mut form = String::new();
    let mut waiting = VecDeque::from([whole.clone()]);
    while let Some(written) = waiting.pop_front() {
        let mut others = Vec::new();
        let (bare, its_form) = bare(&written, &mut others);
        if form.is_empty() {
            form = its_form;
        }
        if names.is_empty() || has_letters(&bare) && !names.contains(&bare) {
            names.push(bare);
        }
        waiting.extend(others);
    }
    let name = names.remove(0);
    let mut issues = Vec::new();
    let folded = text::fold(&whole);
    if super::person::is_joint(&whole) {
        issues.push(JOINT_OWNERS);
    } else if form.is_empty() && is_person(&whole) {
        issues.push(PERSON);
    }
    if !names.is_empty() {
        issues.push(OTHER_NAME);
    }
    if folded.split(' ').skip(1).any(|w| LEXICON.branch.contains(w)) {
        issues.push(BRANCH);
    }
    let countries = countries_of(&form).to_vec();
    OrganisationName { name, form, countries, aliases: names, issues }
}

/// How often what was taken off a name may have hidden more.
const MOST_LAYERS: usize = 6;

/// The name without its form and its other names, and the form; the other names as written go to `others`.
fn bare(written: &str, others: &mut Vec<String>) -> (String, String) {
    let (mut name, mut form) = (written.to_owned(), String::new());
    for _ in 0..MOST_LAYERS {
        let (shorter, found) = split_legal_form(&without_other_names(&name, others));
        if form.is_empty() {
            form = found;
        }
        let shorter = joined_acronym(&shorter);
        if shorter == name {
            break;
        }
        name = shorter;
    }
    (name, form)
}

/// Whether a name says a person beyond doubt: a civility before a name that tells no organisation.
fn is_person(name: &str) -> bool {
    let mut words = name.split(' ');
    let civil = words.next().is_some_and(|w| super::person::civility(w).is_some());
    civil && words.next().is_some() && !looks_like_organisation(name)
}

/// The name without what stands after `enseigne`, `dba`, `ex` or beside a dash, which is added to `aliases`.
fn without_other_names(name: &str, aliases: &mut Vec<String>) -> String {
    let mut own = name.to_owned();
    if let Some(open) = own.find('(') {
        let inside_end = own[open..].find(')').map_or(own.len(), |at| open + at);
        let inside = own[open + 1..inside_end].trim().to_owned();
        let after = own.get(inside_end + 1..).unwrap_or("");
        if let Some(n) = names_another(&inside) {
            let other = inside[n..].trim().to_owned();
            if has_letters(&other) && has_letters(&own[..open]) {
                aliases.push(trim_marks(&other));
                own = text::clean(&format!("{} {after}", &own[..open]));
            }
        }
    }
    if let Some((at, end)) = other_name_within(&own) {
        let (left, right) =
            (trim_marks(&own[..at]), trim_marks(own[end..].trim_matches(['"', '«', '»', ' '])));
        if has_letters(&left) && has_letters(&right) {
            aliases.push(right);
            own = left;
        }
    }
    if let Some((left, right)) = own.split_once(" - ") {
        let (left, right) = (left.trim(), right.trim());
        let forms = [left, right].map(|side| !split_legal_form(side).1.is_empty());
        let kept_apart = |side: &str| {
            let folded = text::fold(side);
            folded.split(' ').any(|w| LEXICON.branch.contains(w)) || !looks_like_organisation(side)
        };
        match forms {
            [true, false] if !kept_apart(right) => {
                aliases.push(right.to_owned());
                own = left.to_owned();
            }
            [false, true] if !kept_apart(left) => {
                aliases.push(left.to_owned());
                own = right.to_owned();
            }
            _ => {}
        }
    }
    own
}

/// Where a phrase that announces another name stands within, and where it ends.
fn other_name_within(name: &str) -> Option<(usize, usize)> {
    let starts = name.match_indices(' ').map(|(at, _)| at + 1);
    starts.filter_map(|at| names_another(&name[at..]).map(|n| (at, at + n))).next()
}

/// The length in bytes of the phrase that the text opens with, if it announces another name.
fn names_another(text: &str) -> Option<usize> {
    let word = text::fold(text.split(' ').next()?);
    let phrases = LEXICON.other_name.get(word.split(' ').next()?)?;
    let told = phrases.iter().filter_map(|(phrase, small)| {
        let n = opens_with(text, phrase)?;
        let written = &text[..n];
        let marked = written.contains(['/', '.']) || !written.chars().any(char::is_uppercase);
        (marked || !small).then_some(n)
    });
    told.max()
}

/// How many bytes of the text the folded phrase is, where it opens the text as whole words.
fn opens_with(text: &str, phrase: &str) -> Option<usize> {
    let wanted = phrase.split(' ').count();
    let mut end = 0;
    let mut words = Vec::new();
    for word in text.split_inclusive(' ').take(wanted) {
        end += word.len();
        words.push(word);
        let folded = text::fold(&words.concat());
        if folded == phrase {
            return Some(end);
        }
    }
    None
}

/// An acronym without its dots: `S.N.C.F.` is `SNCF`. Initials of a person keep theirs.
fn joined_acronym(name: &str) -> String {
    let words = name.split(' ').map(|word| {
        let pieces: Vec<&str> = word.split('.').filter(|piece| !piece.is_empty()).collect();
        let letters =
            pieces.iter().all(|p| p.chars().count() == 1 && p.chars().all(char::is_uppercase));
        if pieces.len() > 2 && letters { pieces.concat() } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether the words of the text tell an organisation (a legal form, `garage`, `mairie`, `& fils`...).
pub fn looks_like_organisation(text: &str) -> bool {
    if !split_legal_form(text).1.is_empty() || super::person::is_joint(text) {
        return true;
    }
    let has_mark = text.bytes().any(|b| matches!(b, b'&' | b'+'));
    let folded = match has_mark {
        true => text::fold(&text.replace(['&', '+'], " et ")),
        false => text::fold(text),
    };
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
    let folded = text::fold(&without_dots(&short_endings_joined(&bare)));
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

/// The words of a name that tell it from others: `Ets Dupont & Fils` has `dupont`.
pub fn own_words(name: &str) -> Vec<String> {
    let all = words(name);
    let named = |at: usize| {
        let word = all[at].as_str();
        let partners = at > 0 && at + 1 == all.len() && LEXICON.after_and.contains(word);
        !partners && !LEXICON.general.contains(word)
    };
    let own: Vec<String> =
        (0..all.len()).filter(|&at| named(at)).map(|at| all[at].clone()).collect();
    if own.is_empty() { all } else { own }
}

/// How many words of a name are written short: `Sté de TP de Provence` has two.
pub fn short_words(name: &str) -> usize {
    let (bare, _) = split_legal_form(name);
    let folded = text::fold(&without_dots(&bare));
    let is_short =
        |word: &&str| LEXICON.short.get(*word).is_some_and(|full| full.len() > word.len());
    folded.split(' ').filter(is_short).count()
}

/// `Int'l` as `Intl`: an apostrophe before the last letters of an abbreviation.
fn short_endings_joined(name: &str) -> String {
    if !name.contains(['\'', '’']) {
        return name.to_owned();
    }
    let words = name.split(' ').map(|word| {
        let joined = word.replace(['\'', '’'], "");
        if LEXICON.short.contains_key(&text::fold(&joined)) { joined } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
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

    #[test]
    fn the_parts_of_names_are_those_of_the_rules_of_their_country() {
        let table = include_str!("../../tests/values/organisations.tsv");
        let (mut wrong, mut all) = (Vec::new(), 0);
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let (Some(cell), Some(expected)) = (columns.next(), columns.next()) else {
                panic!("two columns: {line}");
            };
            all += 1;
            let name = read(cell);
            let mut told = format!("{}|{}|{}", name.name, name.form, name.countries.join(" "));
            name.aliases.iter().for_each(|alias| told.push_str(&format!(" = {alias}")));
            for (issue, word) in [(PERSON, "person"), (JOINT_OWNERS, "joint")] {
                if name.issues.contains(&issue) {
                    told = word.into();
                }
            }
            if !expected.starts_with("ambiguous") && told != expected {
                wrong.push(format!("{cell}: {told} for {expected}"));
            }
            if let Some(expected) = columns.next().filter(|w| *w != words(cell).join(" ")) {
                wrong.push(format!("{cell}: {} for {expected}", words(cell).join(" ")));
            }
        }
        assert!(all >= 180, "{all} names");
        assert!(wrong.is_empty(), "{} of {all}\n{}", wrong.len(), wrong.join("\n"));
    }

    proptest! {
        #[test]
        fn a_name_read_twice_is_the_same(
            name in "((SARL|sas|S\\.A\\.|GmbH|& Co\\. KG|Sté|Ets|Dupont|DUPONT|Le|Fournil|- |enseigne|\\(ex|dba|t/a|Lyon|Agence|S\\.N\\.C\\.F\\.|a\\.s\\.|A/S|SpA|Oy|É|e\u{301}|\\)|\\(|,) ?){1,6}|\\PC{0,20}"
        ) {
            let once = read(&name);
            prop_assert_eq!(&read(&once.name).name, &once.name);
            for alias in &once.aliases {
                let again = read(alias);
                prop_assert!(again.name == *alias, "{:?} {:?}", again, alias);
            }
        }
    }
}
