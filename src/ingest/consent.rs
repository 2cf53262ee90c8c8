//! What rows say about consent: columns with words, files that are a status, phrases in notes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::LazyLock,
};

use csv::StringRecord;
use serde::Deserialize;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::mapping::{self, ConsentRule, Mapping, file_name_fits};
use crate::{
    model::{self, ValueKind},
    table::{Channel, ConsentEvent, ConsentState},
    value::{
        boolean, date,
        dictionary::{self, HashSet},
        phrase::{self, Phrases, Word},
        text,
    },
};

/// A rule of a mapping, its columns found in the table at hand.
#[derive(Debug)]
pub(super) struct Rule {
    columns: Vec<usize>,
    every_row: bool,
    channels: Vec<Channel>,
    state: Option<ConsentState>,
    words: Vec<(String, ConsentState)>,
    contact_points: Vec<usize>,
    about_a_point: bool,
    since: Vec<usize>,
    proof: Vec<usize>,
    all_proof: bool,
    purpose: String,
    /// The order of day and month of the dates that tell since when.
    order: date::Order,
}

/// What one rule or phrase says on one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) channel: Channel,
    pub(super) state: ConsentState,
    /// The contact point it is about, as written; empty for all of the channel.
    pub(super) contact_point: String,
    pub(super) since: String,
    pub(super) proved: bool,
    pub(super) purpose: String,
    /// Position of the column that says it; none when the file's name does.
    pub(super) column: Option<usize>,
}

impl Said {
    /// It as an event of a row: of its record, or of the contact point alone.
    pub(super) fn event(
        &self,
        record: Option<u32>,
        contact_point: String,
        (place, row): (u32, u32),
        column: String,
    ) -> ConsentEvent {
        ConsentEvent {
            record,
            contact_point,
            channel: self.channel,
            purpose: self.purpose.clone(),
            legal_entity: String::new(),
            state: self.state,
            proved: self.proved,
            since: self.since.clone(),
            place,
            row,
            column,
        }
    }
}

impl Rule {
    /// The rule for a table with this header, or none when it does not apply to it.
    pub(super) fn bind(rule: &ConsentRule, header: &[String], file: &str) -> Option<Rule> {
        let fits = |pattern: &String| file_name_fits(pattern, file);
        if !rule.file_name.is_empty() && !rule.file_name.iter().any(fits) {
            return None;
        }
        let find = |names: &[String]| -> Vec<usize> {
            names.iter().flat_map(|name| positions(header, name)).collect()
        };
        let columns = find(&rule.column);
        if columns.is_empty() && !rule.column.is_empty() {
            return None;
        }
        let mut words: Vec<(String, ConsentState)> =
            rule.words.iter().map(|(word, state)| (text::fold(word), *state)).collect();
        // The longest word that the cell begins with counts.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        let proof = find(&rule.proof);
        Some(Rule {
            every_row: rule.column.is_empty(),
            columns,
            channels: rule.channels.clone(),
            state: rule.state,
            words,
            contact_points: find(&rule.contact_point),
            about_a_point: !rule.contact_point.is_empty(),
            since: find(&rule.since),
            all_proof: !rule.proof.is_empty() && proof.len() >= rule.proof.len(),
            proof,
            purpose: rule.purpose.clone(),
            order: date::Order::default(),
        })
    }

    /// The rule for the column at this position alone, whatever other columns are called.
    pub(super) fn of_column(
        rule: &ConsentRule,
        at: usize,
        header: &[String],
        file: &str,
    ) -> Option<Rule> {
        let bound = Rule::bind(rule, header, file)?;
        Some(Rule { columns: vec![at], ..bound })
    }

    /// The rule of a file whose name says this of its rows. Of emails those in it are meant, of other channels
    /// all by which a row is reached.
    pub(super) fn of_file(status: FileStatus, emails: Vec<usize>, since: Vec<usize>) -> Rule {
        let by_email = status.channels == [Channel::Email];
        Rule {
            columns: Vec::new(),
            every_row: true,
            channels: status.channels,
            state: Some(status.state),
            words: Vec::new(),
            contact_points: if by_email { emails } else { Vec::new() },
            about_a_point: by_email,
            since,
            proof: Vec::new(),
            all_proof: false,
            purpose: String::new(),
            order: date::Order::default(),
        }
    }

    /// Learns the order of day and month from some of the rows: `05/31/2019` tells how `03/04/2019` is read.
    pub(super) fn learn_order<'r>(&mut self, rows: impl Iterator<Item = &'r StringRecord>) {
        let dated: Vec<usize> = self.since.iter().chain(&self.columns).copied().collect();
        let cells = rows.flat_map(|row| dated.iter().filter_map(move |&at| row.get(at)));
        self.order = date::order_of(cells);
    }

    /// What the rule says of a row; `cell` gives the text of a column.
    pub(super) fn read<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Vec<Said> {
        // Of several columns the strictest holds, and the first of those that say the same.
        let told = self.columns.iter().filter_map(|&at| Some((self.told_by(cell(at))?, Some(at))));
        let told = told.rev().max_by_key(|(state, _)| *state);
        let on_every_row = || self.state.filter(|_| self.every_row).map(|state| (state, None));
        let Some((state, column)) = told.or_else(on_every_row) else { return Vec::new() };
        let filled = |at: &usize| !cell(*at).trim().is_empty();
        let contact_point = match self.contact_points.iter().find(|at| filled(at)) {
            Some(at) => cell(*at).trim().to_owned(),
            None if self.about_a_point => return Vec::new(),
            None => String::new(),
        };
        let dated = self.since.iter().find(|at| filled(at));
        let since = match (dated, column) {
            (Some(at), _) => date::normalize(cell(*at), self.order).unwrap_or_default(),
            // The cell that says it may say since when: `désinscrit le 12/03/2019`.
            (None, Some(at)) if !self.words.is_empty() => day_in(cell(at), self.order),
            _ => String::new(),
        };
        let proved =
            state == ConsentState::OptIn && self.all_proof && self.proof.iter().all(filled);
        let said = |&channel: &Channel| Said {
            channel,
            state,
            contact_point: contact_point.clone(),
            since: since.clone(),
            proved,
            purpose: self.purpose.clone(),
            column,
        };
        self.channels.iter().map(said).collect()
    }

    /// Whether the cells of a column tell the state.
    pub(super) fn asks(&self, column: usize) -> bool {
        self.columns.contains(&column)
    }

    /// The state that one cell tells.
    pub(super) fn told_by(&self, cell: &str) -> Option<ConsentState> {
        // Of words `N` and `X` mean something; of a date or a reason `-` and `N/A` are blanks.
        let says = match self.words.is_empty() {
            true => !text::is_placeholder(cell),
            false => !cell.trim().is_empty(),
        };
        if says { self.state.or_else(|| self.by_word(cell)) } else { None }
    }

    /// The columns that should answer yes or no and whose cells say something else: `peut-être`, `?`.
    pub(super) fn unclear<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Vec<usize> {
        self.columns.iter().copied().filter(|&at| self.is_unclear(cell(at))).collect()
    }

    /// Whether one cell should answer yes or no and says something else.
    pub(super) fn is_unclear(&self, cell: &str) -> bool {
        let cell = cell.trim();
        let asks = |(word, _): &(String, ConsentState)| ANSWERS.contains(&word.as_str());
        self.state.is_none()
            && !cell.is_empty()
            && self.words.iter().any(asks)
            && (cell.contains('?') || !text::is_placeholder(cell))
            && (answer(cell).is_none() || is_doubted(cell))
            && self.by_word(cell).is_none()
    }

    fn by_word(&self, cell: &str) -> Option<ConsentState> {
        let folded = text::fold(cell);
        let said = |class: &str| {
            self.words.iter().find(|(word, _)| word == class).map(|(_, state)| *state)
        };
        let literal = self
            .words
            .iter()
            .find(|(word, _)| !CLASSES.contains(&word.as_str()) && begins(&folded, word));
        let state = literal.map(|(_, state)| *state).or_else(|| said(answer(cell)?))?;
        // An objection in doubt holds; a permission in doubt is none.
        (state != ConsentState::OptIn || !is_doubted(cell)).then_some(state)
    }
}

/// The words of a rule that stand for all ways to say something.
const CLASSES: [&str; 6] = ["yes", "no", "false", "objection", "permission", "date"];

/// Those of a column that answers a question.
const ANSWERS: [&str; 5] = ["yes", "no", "false", "objection", "permission"];

fn begins(folded: &str, word: &str) -> bool {
    folded.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Whether a cell puts in doubt what it says: `oui ?`, `accord à confirmer`.
fn is_doubted(cell: &str) -> bool {
    let folded = text::fold(cell);
    let holds = |doubt: &String| format!(" {folded} ").contains(&format!(" {doubt} "));
    cell.contains('?') || folded.contains(' ') && DICTIONARY.doubts.iter().any(holds)
}

/// Which of [`CLASSES`] a cell belongs to; none when it answers nothing.
pub(super) fn answer(cell: &str) -> Option<&'static str> {
    const LONGEST: usize = 60;
    let folded = text::fold(cell);
    if folded.is_empty() || folded.len() > LONGEST {
        return None;
    }
    let dictionary = &*DICTIONARY;
    let begins_with = |words: &[String]| words.iter().any(|word| begins(&folded, word));
    let first = folded.split(' ').next().unwrap_or("");
    match folded.as_str() {
        "x" | "o" | "y" | "on" => return Some("yes"),
        "non" | "no" | "n" | "nein" | "nee" => return Some("no"),
        "off" => return Some("false"),
        _ if begins_with(&dictionary.objects) => return Some("objection"),
        _ => {}
    }
    match boolean::parse(cell) {
        Some(true) => Some("yes"),
        Some(false) => Some("false"),
        None if begins_with(&dictionary.agrees) => Some("permission"),
        // `Oui (12/03/2019)`, `non, jamais`; `non renseigné` answers nothing.
        None if matches!(first, "oui" | "yes") => Some("yes"),
        None if matches!(first, "non" | "no") && !text::is_placeholder(cell) => Some("no"),
        None => day(cell, date::Order::default()).map(|_| "date"),
    }
}

/// The ISO date that a cell is.
fn day(cell: &str, order: date::Order) -> Option<String> {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let date = date::normalize(cell, order).ok().filter(|_| digits >= 6)?;
    (!text::is_placeholder_of(ValueKind::Date, &date)).then_some(date)
}

/// The ISO date that stands in a cell, alone or behind words; empty when there is none.
fn day_in(cell: &str, order: date::Order) -> String {
    let within = || {
        let words = phrase::words(cell);
        (0..words.len()).find_map(|at| date_at(cell, &words, at, order))
    };
    day(cell, order).or_else(within).unwrap_or_default()
}

/// What a column of free text says on one row.
pub(super) fn of_note(note: &str, column: usize) -> impl Iterator<Item = Said> {
    in_note(note).into_iter().map(move |(channel, state, since)| Said {
        channel,
        state,
        contact_point: String::new(),
        since,
        proved: false,
        purpose: String::new(),
        column: Some(column),
    })
}

/// Adds what one column says to what others of the row have said: the same thing once, with its date.
pub(super) fn add(said: &mut Vec<Said>, new: Said) {
    let told = |s: &Said| (s.channel, s.state, s.contact_point.clone());
    match said.iter_mut().find(|s| told(s) == told(&new)) {
        // A rule by file name and one by column say the same thing: the dated one is better.
        Some(known) if known.since.is_empty() => *known = new,
        Some(_) => {}
        None => said.push(new),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusFiles {
    not: Vec<String>,
    between: Vec<String>,
    beside: Vec<String>,
    except: Vec<String>,
    list: Vec<StatusList>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusList {
    state: ConsentState,
    name: Vec<String>,
    #[serde(default)]
    alone: Vec<String>,
}

static STATUS_FILES: LazyLock<StatusFiles> = LazyLock::new(|| {
    dictionary::read(include_str!("../../mappings/dictionaries/suppression_files.toml"))
});

/// What the name of a file says of every row in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// What became of them.
    pub state: ConsentState,
    /// The ways to reach them that it is about: those of the columns, email first.
    pub channels: Vec<Channel>,
}

/// What the name of a file says of the rows of a table in it, read by the mapping: `désabonnés.csv`,
/// `opposition_bloctel.csv`. Nothing where the mapping itself knows this name, or no column reaches anybody.
pub fn of_file(mapping: &Mapping, header: &[String], file: &str) -> Option<FileStatus> {
    let known = |rule: &ConsentRule| rule.file_name.iter().any(|p| file_name_fits(p, file));
    if mapping.consents.iter().any(known) {
        return None;
    }
    let state = of_file_name(file)?;
    let bound = mapping.bind(header);
    let has = |fits: &dyn Fn(&str) -> bool| {
        bound.iter().flatten().any(|column| fits(&column.rule.attribute))
    };
    let is_address = |a: &str| a == "address" || model::attribute(a).is_some_and(|a| a.part);
    let channels = if has(&|a| a == "email") {
        vec![Channel::Email]
    } else if state != ConsentState::HardBounce && has(&|a| matches!(a, "phone" | "mobile")) {
        vec![Channel::Phone, Channel::Sms]
    } else if has(&is_address) {
        // What does not arrive and is no email is a letter.
        vec![Channel::Post]
    } else {
        return None;
    };
    Some(FileStatus { state, channels })
}

/// What the name of a file says: `désabonnés.csv`, `hardBounces.xlsx`; of a file in an archive the name of the
/// archive, where its own says nothing.
fn of_file_name(file: &str) -> Option<ConsentState> {
    file.rsplit("!/").find_map(told_by_name).flatten()
}

/// What a name of a file says; none within when it says that its rows have no such status.
fn told_by_name(path: &str) -> Option<Option<ConsentState>> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let words = words_of_name(name);
    let dictionary = &*STATUS_FILES;
    let found = |phrases: &[String]| -> Vec<(usize, usize)> {
        let spans = |start: usize| {
            let length = |phrase: &String| length_at(phrase, &words[start..]);
            let lengths: Vec<usize> = phrases.iter().filter_map(length).collect();
            lengths.into_iter().map(move |length| (start, start + length))
        };
        (0..words.len()).flat_map(spans).collect()
    };
    let says_nothing = |word: &String| {
        word.bytes().all(|b| b.is_ascii_digit())
            || dictionary.between.contains(word)
            || dictionary.beside.contains(word)
    };
    let is_alone = |&(start, end): &(usize, usize)| {
        words[..start].iter().chain(&words[end..]).all(says_nothing)
    };
    let told: Vec<(ConsentState, Vec<(usize, usize)>)> = (dictionary.list.iter())
        .map(|list| {
            let alone = found(&list.alone).into_iter().filter(is_alone);
            (list.state, found(&list.name).into_iter().chain(alone).collect())
        })
        .collect();
    let spans: Vec<(usize, usize)> = told.iter().flat_map(|(_, spans)| spans.clone()).collect();
    if spans.is_empty() {
        return None;
    }
    // `sans les NPAI et désabonnés` says it of both.
    let is_denied = |&(start, _): &(usize, usize)| {
        let mut at = start;
        while let Some(word) = at.checked_sub(1).map(|before| &words[before]) {
            if dictionary.not.contains(word) {
                return true;
            }
            at = match spans.iter().find(|(_, end)| *end == at) {
                Some((start, _)) => *start,
                None if dictionary.between.contains(word) => at - 1,
                None => return false,
            };
        }
        false
    };
    let holds = |spans: &[(usize, usize)]| spans.iter().any(|span| !is_denied(span));
    let state = told.iter().find(|(_, spans)| holds(spans)).map(|(state, _)| *state);
    Some(state.filter(|_| found(&dictionary.except).is_empty()))
}

/// How many of the words a phrase takes from their start; `*` stands for the end of a word.
fn length_at(phrase: &str, words: &[String]) -> Option<usize> {
    let mut rest = words.iter();
    let fits = |wanted: &str, word: &String| match wanted.strip_suffix('*') {
        Some(stem) => word.starts_with(stem),
        None => word == wanted,
    };
    let all = phrase.split(' ').all(|wanted| rest.next().is_some_and(|word| fits(wanted, word)));
    all.then(|| words.len() - rest.len())
}

/// The words and numbers of a file's name, folded: `hardBounces_2024.csv` has four.
fn words_of_name(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    // On some systems accents are written apart.
    for c in name.nfd().filter(|c| !is_combining_mark(*c)) {
        let new_word = before.is_lowercase() && c.is_uppercase();
        if new_word || before.is_ascii_digit() != c.is_ascii_digit() {
            spaced.push(' ');
        }
        spaced.push(if c.is_alphanumeric() { c } else { ' ' });
        before = c;
    }
    text::fold(&spaced).split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

fn positions<'a>(header: &'a [String], name: &str) -> impl Iterator<Item = usize> + use<'a> {
    let wanted = mapping::key(name);
    header
        .iter()
        .enumerate()
        .filter(move |(_, h)| !wanted.is_empty() && mapping::key(h) == wanted)
        .map(|(at, _)| at)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dictionary {
    negations: HashSet<String>,
    denials: HashSet<String>,
    limits: HashSet<String>,
    urges: HashSet<String>,
    small: HashSet<String>,
    marketing: HashSet<String>,
    documents: HashSet<String>,
    except: HashSet<String>,
    open: HashSet<String>,
    private: Vec<String>,
    objects: Vec<String>,
    agrees: Vec<String>,
    doubts: Vec<String>,
    no_means: BTreeMap<String, Vec<String>>,
    means: BTreeMap<Channel, Vec<String>>,
    phrases: Vec<Meaning>,
}

/// Phrases that mean one thing.
#[derive(Deserialize)]
struct Meaning {
    channels: Vec<Channel>,
    state: ConsentState,
    /// Whether they speak of the channels that are named beside them, of `channels` only where none is.
    #[serde(default)]
    by_means: bool,
    /// By language.
    #[serde(flatten)]
    written: BTreeMap<String, Vec<String>>,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    dictionary::read(include_str!("../../mappings/dictionaries/consent_phrases.toml"))
});

/// The phrases, each with the position of its meaning.
static PHRASES: LazyLock<Phrases<usize>> = LazyLock::new(|| {
    let meanings = DICTIONARY.phrases.iter().enumerate();
    Phrases::new(meanings.flat_map(|(at, meaning)| {
        phrase::of_languages(&meaning.written).map(move |phrase| (phrase, at))
    }))
});

/// The words that name a channel, and those that only look so.
static MEANS: LazyLock<Phrases<Option<Channel>>> = LazyLock::new(|| {
    let means = DICTIONARY.means.iter();
    let means =
        means.flat_map(|(channel, words)| words.iter().map(|w| (w.as_str(), Some(*channel))));
    Phrases::new(phrase::of_languages(&DICTIONARY.no_means).map(|w| (w, None)).chain(means))
});

/// What a note says: channel, state and ISO date or empty, each pair of channel and state once.
pub(super) fn in_note(note: &str) -> Vec<(Channel, ConsentState, String)> {
    let words = phrase::words(note);
    let note = Note { text: note, words: &words };
    let mut found: Vec<(Channel, ConsentState, String)> = Vec::new();
    for at in 0..words.len() {
        let fitting: Vec<(Range<usize>, &Meaning)> = PHRASES
            .all_at(&words, at)
            .map(|(taken, meaning)| (at..at + taken, &DICTIONARY.phrases[*meaning]))
            .collect();
        for (span, meaning) in &fitting {
            // `ne plus démarcher` closes all channels, `ne plus démarcher par téléphone` one.
            let narrowed = fitting.iter().any(|(other, by)| {
                (1..meaning.channels.len()).contains(&by.channels.len()) && other.end > span.end
            });
            if narrowed || !note.holds(span, meaning) {
                continue;
            }
            let since = date_near(note.text, &words, span.start, span.end);
            for channel in note.channels(span, meaning) {
                let known = found.iter_mut().find(|(c, s, _)| (*c, *s) == (channel, meaning.state));
                match known {
                    Some((_, _, date)) if date.is_empty() => date.clone_from(&since),
                    Some(_) => {}
                    None => found.push((channel, meaning.state, since.clone())),
                }
            }
        }
    }
    found.sort();
    found
}

/// A note with its words.
struct Note<'n> {
    text: &'n str,
    words: &'n [Word],
}

impl Note<'_> {
    fn is_among(&self, range: Range<usize>, list: &HashSet<String>) -> bool {
        self.words[range].iter().any(|word| list.contains(&word.folded))
    }

    /// Whether a sentence ends, or another part of it begins, between the word at `at` and the one before.
    fn breaks_before(&self, at: usize, marks: &[char]) -> bool {
        let between = self.words[at - 1].at.end..self.words[at].at.start;
        self.text[between].contains(marks)
    }

    /// Whether a phrase means what it mostly does.
    fn holds(&self, span: &Range<usize>, meaning: &Meaning) -> bool {
        let dictionary = &*DICTIONARY;
        let behind = span.end..self.words.len().min(span.end + 2);
        if self.is_among(span.clone(), &dictionary.urges) || self.is_negated(span) {
            return false;
        }
        if meaning.state == ConsentState::OptIn {
            return !is_doubted(self.clause(span))
                && !self.is_among(span.clone(), &dictionary.negations);
        }
        // `ne pas contacter avant 10 h` names an hour, `ne plus contacter avant 2030` is an objection.
        let at_times = meaning.channels == [Channel::Phone]
            || self.words[span.clone()].iter().any(|word| word.folded == "pas");
        let limited = at_times && self.is_among(behind, &dictionary.limits);
        !limited && !self.speaks_of_documents(span, meaning)
    }

    /// Whether a word just before the phrase turns it round: `pas désinscrit`.
    fn is_negated(&self, span: &Range<usize>) -> bool {
        let dictionary = &*DICTIONARY;
        if dictionary.denials.contains(&self.words[span.start].folded) {
            return false;
        }
        let before = (span.start.saturating_sub(2)..span.start).rev();
        let mut same = before.take_while(|&at| !self.breaks_before(at + 1, &CLAUSE_ENDS));
        same.any(|at| dictionary.negations.contains(&self.words[at].folded))
    }

    /// Whether what nobody wants sent is no advertising: `ne pas envoyer de devis par mail`.
    fn speaks_of_documents(&self, span: &Range<usize>, meaning: &Meaning) -> bool {
        let dictionary = &*DICTIONARY;
        if meaning.by_means || meaning.state != ConsentState::OptOut {
            return false;
        }
        let mut end = span.end;
        while end < self.words.len()
            && dictionary.small.contains(&self.words[end].folded)
            && !self.breaks_before(end, &CLAUSE_ENDS)
        {
            end += 1;
        }
        let named = if end > span.end { self.words.len().min(end + 1) } else { end };
        let about = span.start..named;
        self.is_among(about.clone(), &dictionary.documents)
            && !self.is_among(about, &dictionary.marketing)
    }

    /// The text from the phrase to the end of its clause.
    fn clause(&self, span: &Range<usize>) -> &str {
        let rest = &self.text[self.words[span.start].at.start..];
        rest.split_once(['.', ';', '\n']).map_or(rest, |(clause, _)| clause)
    }

    /// The channels that a phrase speaks of.
    fn channels(&self, span: &Range<usize>, meaning: &Meaning) -> Vec<Channel> {
        if !meaning.by_means {
            return meaning.channels.clone();
        }
        let mut named = Named::default();
        let inside = span.clone().filter_map(|at| self.means_at(at));
        named.channels.extend(inside);
        self.named_behind(span.end, &mut named);
        if named.channels.is_empty() {
            self.named_before(span.start, &mut named);
        }
        let mut channels = match named.channels.is_empty() {
            true => meaning.channels.clone(),
            false => named.channels.into_iter().collect(),
        };
        channels.retain(|channel| !named.except.contains(channel));
        channels
    }

    /// The channel that a word names. Before a number it only says whose: `tél 06 12 34 56 78`.
    fn means_at(&self, at: usize) -> Option<Channel> {
        let channel = MEANS.longest_at(self.words, at).and_then(|(_, channel)| *channel)?;
        let is_number = |word: &Word| word.folded.bytes().all(|b| b.is_ascii_digit());
        let label = channel == Channel::Phone && self.words.get(at + 1).is_some_and(is_number);
        (!label).then_some(channel)
    }

    /// Reads on from a phrase through the means it names: `opt-out SMS, mail`; `sauf courrier`.
    fn named_behind(&self, from: usize, named: &mut Named) {
        let dictionary = &*DICTIONARY;
        let mut except = false;
        for at in from..self.words.len() {
            let word = &self.words[at].folded;
            let ends = at > from && self.breaks_before(at, &['.', ';', '\n', '!', '?', '(']);
            let opens = at == from && at > 0 && self.breaks_before(at, &CLAUSE_ENDS);
            if ends || opens && !self.is_announced(at) {
                return;
            }
            match self.means_at(at) {
                Some(_) if self.is_open(at) => return,
                Some(channel) => {
                    let list = if except { &mut named.except } else { &mut named.channels };
                    list.insert(channel);
                }
                None if dictionary.except.contains(word) => except = true,
                None if dictionary.small.contains(word) => {}
                None if dictionary.marketing.contains(word) => {}
                None => return,
            }
        }
    }

    /// Whether only a colon or the like stands before the word: `refus : SMS`.
    fn is_announced(&self, at: usize) -> bool {
        let between = self.words[at - 1].at.end..self.words[at].at.start;
        self.text[between].chars().all(|c| c.is_whitespace() || matches!(c, ':' | '-' | '>' | '='))
    }

    /// Whether a means is one that remains open: `mail ok`.
    fn is_open(&self, at: usize) -> bool {
        let next = self.words.get(at + 1).filter(|_| !self.breaks_before(at + 1, &CLAUSE_ENDS));
        next.is_some_and(|word| DICTIONARY.open.contains(&word.folded))
    }

    /// The means that stand right before a phrase: `SMS : opt-out`, `mail/SMS : désinscrit`.
    fn named_before(&self, from: usize, named: &mut Named) {
        for at in (0..from).rev() {
            let ends = self.breaks_before(at + 1, &['.', ';', '\n', '!', '?', ')', ',']);
            let Some(channel) = self.means_at(at).filter(|_| !ends) else { return };
            named.channels.insert(channel);
        }
    }
}

/// Marks between two parts of a sentence.
const CLAUSE_ENDS: [char; 9] = ['.', ';', ',', '\n', '!', '?', ':', '(', ')'];

/// The channels that stand beside a phrase, and those that it leaves open.
#[derive(Default)]
struct Named {
    channels: BTreeSet<Channel>,
    except: BTreeSet<Channel>,
}

/// The whole date written within six words behind a phrase, or else ending right before it.
fn date_near(note: &str, words: &[Word], start: usize, end: usize) -> String {
    let dated = |at: usize| date_at(note, words, at, date::Order::default());
    let behind = (end..words.len().min(end + 6)).find_map(dated);
    let before = || start.checked_sub(3).and_then(dated);
    behind.or_else(before).unwrap_or_default()
}

/// The date known to the day that begins with the word at `at`.
fn date_at(text: &str, words: &[Word], at: usize, order: date::Order) -> Option<String> {
    let date = phrase::date_at_in(text, words, at, order);
    date.filter(|(_, date)| date.len() == 10).map(|(_, date)| date)
}

/// Whether a note says that its card is private: all of it, or its first part.
pub(super) fn is_private_note(note: &str) -> bool {
    let first = note.split([',', ';', '\n', '/']).next().unwrap_or(note);
    let first = first.split(" - ").next().unwrap_or(first);
    let says = |part: &str| DICTIONARY.private.contains(&text::fold(part));
    says(first) || says(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events as `channel state date`, joined by `; `.
    fn said(note: &str) -> String {
        let word = |(channel, state, date): &(Channel, ConsentState, String)| {
            format!("{} {} {date}", channel.as_str(), state.as_str()).trim().to_owned()
        };
        in_note(note).iter().map(word).collect::<Vec<_>>().join("; ")
    }

    /// Lines of note, tab, and what it says, from `tests/values/consent_notes.tsv`.
    #[test]
    fn notes_of_the_six_languages_say_what_people_mean() {
        let data = include_str!("../../tests/values/consent_notes.tsv");
        let mut wrong = Vec::new();
        for line in data.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (note, expected) = line.split_once('\t').expect("a note and what it says");
            let found = said(note);
            if found != expected.trim() {
                wrong.push(format!("{note}: `{found}`, expected `{expected}`"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn objections_in_notes_are_found_with_their_date() {
        for (note, expected) in [
            ("NE PLUS APPELER svp", "phone opt_out"),
            ("ne pas oublier d'appeler en mai", ""),
            ("ne pas hésiter à le rappeler", ""),
            ("client fidèle, ne plus l'appeler", "phone opt_out"),
            ("ne veut plus être dérangé au tél", "phone opt_out"),
            ("ne souhaite plus être démarché par téléphone", "phone opt_out"),
            ("Bloctel, ne pas appeler", "phone opt_out"),
            ("STOP MAILING (21/08/2018)", "email opt_out 2018-08-21"),
            ("désinscrit le 12/03/2019", "email opt_out 2019-03-12"),
            ("2019-03-12 : unsubscribed", "email opt_out 2019-03-12"),
            ("RGPD : ne souhaite plus recevoir nos mails, 3/4/2021", "email opt_out 2021-04-03"),
            ("ne plus envoyer de courrier", "post opt_out"),
            ("retirer du publipostage (01/02/2015)", "post opt_out 2015-02-01"),
            ("NPAI", "post hard_bounce"),
            ("stop sms", "sms opt_out"),
            ("ne plus appeler 06 12 10 11 12", "phone opt_out"),
            ("ne plus appeler, 15/03/98", "phone opt_out 1998-03-15"),
            ("plainte CNIL le 02/02/2020", "email complaint 2020-02-02"),
            ("do not call", "phone opt_out"),
        ] {
            assert_eq!(said(note), expected, "{note}");
        }
    }

    #[test]
    fn all_channels_are_closed_by_a_general_objection() {
        assert_eq!(
            said("ne plus contacter"),
            "email opt_out; sms opt_out; phone opt_out; post opt_out"
        );
    }

    #[test]
    fn other_notes_say_nothing() {
        for note in [
            "Merci de me rappeler",
            "rappeler en septembre",
            "à relancer",
            "pas désinscrit",
            "n'est plus désinscrit",
            "ne pas appeler avant 10 h",
            "ne pas appeler le lundi",
            "ATTENTION MAUVAIS PAYEUR",
            "client depuis longtemps",
            "livraison le matin seulement",
            "demander M. le directeur",
            "plainte sur la livraison",
            "",
            "mailing envoyé",
        ] {
            assert_eq!(said(note), "", "{note}");
        }
    }

    #[test]
    fn the_name_of_a_file_is_a_status() {
        for (file, expected) in [
            ("brevo/hardBounces_2024.csv", Some(ConsentState::HardBounce)),
            ("Désabonnés.xlsx", Some(ConsentState::OptOut)),
            ("De\u{301}sabonne\u{301}s.xlsx", Some(ConsentState::OptOut)),
            ("NPAI.csv", Some(ConsentState::HardBounce)),
            ("plaintes.csv", Some(ConsentState::Complaint)),
            ("Liste des plaintes (2).csv", Some(ConsentState::Complaint)),
            ("BrevoUnsubscribed2024.csv", Some(ConsentState::OptOut)),
            ("ne pas contacter - désabonnés.csv", Some(ConsentState::OptOut)),
            ("Pas-de-Calais_désabonnés.csv", Some(ConsentState::OptOut)),
            ("sans mail, opt-out.csv", Some(ConsentState::OptOut)),
            ("lista_bajas.csv", Some(ConsentState::OptOut)),
            ("liste n° 3 désabonnés.csv", Some(ConsentState::OptOut)),
            ("a.zip!/liste d'exclusion.csv", Some(ConsentState::OptOut)),
            ("softBounces.csv", None),
            ("désabonnés.zip!/export.csv", Some(ConsentState::OptOut)),
            ("x/désabonnés.zip!/csv/export.csv", Some(ConsentState::OptOut)),
            ("désabonnés.zip!/NPAI.csv", Some(ConsentState::HardBounce)),
            ("désabonnés.zip!/softBounces.csv", None),
            ("clients sans désabonnés.csv", None),
            ("clients hors les NPAI et désabonnés.csv", None),
            ("hard_and_soft_bounces.csv", None),
            ("no_bounces.csv", None),
            ("no-hard-bounces.csv", None),
            ("not_unsubscribed.csv", None),
            ("anti-spam_clients.csv", None),
            ("clients_cleaned.csv", None),
            ("clientes_rebajas.csv", None),
            ("plaintes_clients.csv", None),
            ("customer complaints.xlsx", None),
            ("plan_rebond_clients.csv", None),
            ("oppositions bancaires.csv", None),
            ("désabonnés/clients.csv", None),
            ("subscribed_members_export.csv", None),
        ] {
            assert_eq!(of_file_name(file), expected, "{file}");
        }
    }

    #[test]
    fn a_permission_in_doubt_is_none_and_an_objection_in_doubt_holds() {
        let rule = |words: &[(&str, ConsentState)]| {
            let words = words.iter().map(|(word, state)| ((*word).to_owned(), *state)).collect();
            let column = vec!["Accord".into()];
            let rule = ConsentRule { column, words, ..ConsentRule::default() };
            Rule::bind(&rule, &["accord".to_owned()], "a.csv").expect("the column is there")
        };
        use ConsentState::{OptIn, OptOut};
        let accord = rule(&[("yes", OptIn), ("no", OptOut), ("actif", OptIn)]);
        for cell in ["oui ?", "Oui (à confirmer)", "peut-être", "?", "actif ?", "maybe"] {
            assert_eq!(accord.by_word(cell), None, "{cell}");
        }
        assert_eq!(accord.by_word("non ?"), Some(OptOut));
        assert_eq!(accord.by_word("Oui (12/03/2019)"), Some(OptIn));
        let ne_pas_contacter = rule(&[("yes", OptOut), ("no", OptIn)]);
        assert_eq!(ne_pas_contacter.by_word("oui ?"), Some(OptOut));
        assert_eq!(ne_pas_contacter.by_word("non ?"), None);
    }

    #[test]
    fn a_private_note_says_so_first() {
        for note in ["perso", "Famille - bon client", "privé, ne pas partager", "contact personnel"]
        {
            assert!(is_private_note(note), "{note}");
        }
        for note in ["tél perso 0612345678", "bon client", "entreprise familiale", ""] {
            assert!(!is_private_note(note), "{note}");
        }
    }

    #[test]
    fn a_word_decides_and_a_blank_says_nothing() {
        let rule = ConsentRule {
            column: vec!["Accord".into()],
            channels: vec![Channel::Email],
            words: [
                ("yes".to_owned(), ConsentState::OptIn),
                ("no".to_owned(), ConsentState::OptOut),
            ]
            .into(),
            ..ConsentRule::default()
        };
        let bound =
            Rule::bind(&rule, &["accord".to_owned()], "a.csv").expect("the column is there");
        let state = |cell: &'static str| bound.read(|_| cell).first().map(|s| (s.state, s.proved));
        assert_eq!(state("Oui"), Some((ConsentState::OptIn, false)));
        assert_eq!(state("X"), Some((ConsentState::OptIn, false)));
        assert_eq!(state("N"), Some((ConsentState::OptOut, false)));
        assert_eq!(state("false"), None);
        assert_eq!(state(""), None);
        assert!(Rule::bind(&rule, &["other".to_owned()], "a.csv").is_none());
    }

    #[test]
    fn of_several_columns_the_strictest_holds() {
        let rule = ConsentRule {
            column: vec!["Lettre".into(), "Promotions".into()],
            channels: vec![Channel::Email],
            words: [
                ("yes".to_owned(), ConsentState::OptIn),
                ("no".to_owned(), ConsentState::OptOut),
            ]
            .into(),
            ..ConsentRule::default()
        };
        let header = ["Lettre".to_owned(), "Promotions".to_owned()];
        let bound = Rule::bind(&rule, &header, "a.csv").expect("the columns are there");
        let state = |cells: [&'static str; 2]| {
            bound.read(|at| cells[at]).first().map(|s| (s.state, s.column))
        };
        assert_eq!(state(["oui", "non"]), Some((ConsentState::OptOut, Some(1))));
        assert_eq!(state(["non", "oui"]), Some((ConsentState::OptOut, Some(0))));
        assert_eq!(state(["?", "non"]), Some((ConsentState::OptOut, Some(1))));
        assert_eq!(state(["oui", "oui"]), Some((ConsentState::OptIn, Some(0))));
    }
}
