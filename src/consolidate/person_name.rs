//! First and last name of a person: they survive as one, so that no name is put together from two.
//!
//! 1. A name whose parts stand in each other's place (`Martin | Sophie` beside `Sophie | Martin`) is read
//!    as most sources write it.
//! 2. The name that most sources support is chosen whole: `J. Martin` and `Martin` alone support
//!    `Jean Martin`.
//! 3. Each part then takes the spelling that most sources give it (`Sophie` against `Sohpie`), and the
//!    first name its full form: `Jean` for `J.`, `Robert` for `Bob`, `Jean-Pierre` for `Jean`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::ValueKind,
    value::{person, text},
};

use super::survivorship::{
    Candidate, Evidence, Outcome, Rule, Survivor, by_standing, extends, survive,
};

/// First and last name of one record.
type Told<'a> = (Option<Candidate<'a>>, Option<Candidate<'a>>);

/// A place in a name.
#[derive(Debug, Clone, Copy)]
enum Side {
    First,
    Last,
}

/// One part of a name as a record has it.
#[derive(Debug, Clone)]
struct Part<'a> {
    cell: Candidate<'a>,
    folded: String,
}

/// The name as a record has it, its parts in their places.
#[derive(Debug, Clone)]
struct Mention<'a> {
    first: Option<Part<'a>>,
    last: Option<Part<'a>>,
    source: u32,
    /// The record, for its standing.
    record: u32,
}

impl<'a> Mention<'a> {
    fn part(&self, side: Side) -> Option<&Part<'a>> {
        match side {
            Side::First => self.first.as_ref(),
            Side::Last => self.last.as_ref(),
        }
    }

    fn first(&self) -> &str {
        self.first.as_ref().map_or("", |part| &part.folded)
    }

    fn last(&self) -> &str {
        self.last.as_ref().map_or("", |part| &part.folded)
    }

    /// Both parts, where they are two names; an initial is no last name.
    fn pair(&self) -> Option<(&str, &str)> {
        let (first, last) = (self.first(), self.last());
        let whole = !first.is_empty() && full_word_count(last) > 0;
        (whole && !holds(first, last)).then_some((first, last))
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.first, &mut self.last);
    }
}

/// The first and the last name that survive of what the records of one person tell.
pub(crate) fn survive_together<'a>(
    told: impl Iterator<Item = Told<'a>>,
    evidence: Evidence<'_, 'a>,
) -> (Option<Survivor<'a>>, Option<Survivor<'a>>) {
    let told: Vec<Told<'a>> = told.collect();
    if let Some(settled) = unanimous(&told, evidence) {
        return settled;
    }
    let told = told.into_iter();
    let mut mentions: Vec<Mention<'a>> = told.filter_map(|told| mention(told, evidence)).collect();
    mentions.sort_by(|a, b| by_standing(evidence.standings, a.record, b.record));
    if mentions.len() > 1 {
        put_in_order(&mut mentions, evidence.mailboxes);
    }
    let Some((base, outcome)) = best_supported(&mentions, evidence) else {
        return apart(&mentions, evidence);
    };
    let (first, last) = (base.first(), base.last());
    let last = best_last(&mentions, first, last, evidence);
    let first = fullest_first(&mentions, first, &last);
    let survivor = |wanted: &str, side: Side| {
        let (won, lost): (Vec<&Part<'a>>, Vec<&Part<'a>>) =
            mentions.iter().filter_map(|m| m.part(side)).partition(|p| p.folded == wanted);
        written_best(&won, &lost, outcome, evidence)
    };
    (survivor(&first, Side::First), survivor(&last, Side::Last))
}

/// The name where all records write one whole name alike.
fn unanimous<'a>(
    told: &[Told<'a>],
    evidence: Evidence<'_, 'a>,
) -> Option<(Option<Survivor<'a>>, Option<Survivor<'a>>)> {
    let whole = |(first, last): &Told<'a>| Some(((*first)?, (*last)?));
    let (first, last) = whole(told.first()?)?;
    let is_alike = |other: &Told<'a>| {
        whole(other).is_some_and(|(f, l)| f.value == first.value && l.value == last.value)
    };
    if !told[1..].iter().all(is_alike) {
        return None;
    }
    mention(told[0], evidence)?.pair()?;
    let records = told.iter().filter_map(whole);
    let (first, last) =
        records.min_by(|a, b| by_standing(evidence.standings, a.0.record, b.0.record))?;
    let survivor = |cell| Some(Survivor::of(cell, Vec::new(), Outcome::Decided));
    Some((survivor(first), survivor(last)))
}

fn mention<'a>((first, last): Told<'a>, evidence: Evidence<'_, 'a>) -> Option<Mention<'a>> {
    let part = |cell: Candidate<'a>| {
        let folded = text::fold(cell.value);
        // A name in a script that does not fold is compared as it is.
        let folded = if folded.is_empty() { cell.value.to_lowercase() } else { folded };
        Part { cell, folded }
    };
    let record = first.or(last)?.record;
    let source = evidence.standings[record as usize].source;
    Some(Mention { first: first.map(part), last: last.map(part), source, record })
}

/// Whether all words of `name` stand in `text`.
fn holds(text: &str, name: &str) -> bool {
    let words: BTreeSet<&str> = text.split(' ').collect();
    name.split(' ').all(|word| words.contains(word))
}

/// How many sources write a text in a place.
type Votes = BTreeMap<String, usize>;

fn votes<'m, 'a: 'm>(mentions: impl Iterator<Item = &'m Mention<'a>>, side: Side) -> Votes {
    let told: BTreeSet<(&str, u32)> =
        mentions.filter_map(|m| Some((m.part(side)?.folded.as_str(), m.source))).collect();
    let mut votes = Votes::new();
    for (text, _) in told {
        match votes.get_mut(text) {
            Some(count) => *count += 1,
            None => drop(votes.insert(text.to_owned(), 1)),
        }
    }
    votes
}

/// How surely a mailbox spells a name in this order: an initial stands before a last name (`p.leroy`), whole names
/// in either order, mostly this one.
fn spelled(mailboxes: &[String], first: &str, last: &str) -> usize {
    let Some(initial) = first.get(..1) else { return 0 };
    let is = |wanted: String| mailboxes.contains(&wanted);
    match () {
        () if is(format!("{initial} {last}")) || is(format!("{initial}{last}")) => 2,
        () if is(format!("{first} {last}")) => 1,
        () => 0,
    }
}

/// Puts parts that stand in each other's place where most sources have them, where known first names and the
/// person's mailboxes speak for it; `mentions` come best standing first.
fn put_in_order(mentions: &mut [Mention<'_>], mailboxes: &[String]) {
    let first = votes(mentions.iter(), Side::First);
    let last = votes(mentions.iter(), Side::Last);
    let count = |votes: &Votes, text: &str| votes.get(text).copied().unwrap_or_default();
    // Of two orders with equal support that of the best standing record holds.
    let mut settled: BTreeMap<(String, String), bool> = BTreeMap::new();
    for mention in mentions {
        let (f, l) = (mention.first().to_owned(), mention.last().to_owned());
        let (as_first, as_last) = (count(&first, &f), count(&last, &l));
        let (as_last_instead, as_first_instead) = (count(&last, &f), count(&first, &l));
        if f == l {
            // One word in both places: it belongs where others have it.
            if as_first > as_last {
                mention.last = None;
            } else if as_last > as_first {
                mention.first = None;
            }
            continue;
        }
        if f.is_empty() || l.is_empty() {
            if as_last_instead + as_first_instead > as_first + as_last {
                mention.swap();
            }
            continue;
        }
        if as_last_instead + as_first_instead == 0 {
            continue;
        }
        let known = |first: &str, last: &str| {
            let is_known = person::is_first_name(first) && !person::is_first_name(last);
            usize::from(is_known) + spelled(mailboxes, first, last)
        };
        let keep = as_first + as_last + known(&f, &l);
        let swap = as_last_instead + as_first_instead + known(&l, &f);
        let swaps = match settled.get(&(l.clone(), f.clone())) {
            Some(&other_swaps) => !other_swaps,
            // `Martin S.` of a mailbox: no last name is an initial.
            None if full_word_count(&l) == 0 && full_word_count(&f) > 0 => as_last_instead > 0,
            None => swap > keep,
        };
        settled.insert((f, l), swaps);
        if swaps {
            mention.swap();
        }
    }
}

/// The record whose name most sources support, if some record has a whole name; tied where another
/// name has as much support.
fn best_supported<'m, 'a>(
    mentions: &'m [Mention<'a>],
    evidence: Evidence<'_, 'a>,
) -> Option<(&'m Mention<'a>, Outcome)> {
    /// Support is counted for the names that most sources write; a huge cluster has no more to say.
    const MOST_NAMES: usize = 32;
    let mut names: BTreeMap<(&str, &str), (BTreeSet<u32>, usize)> = BTreeMap::new();
    for (at, mention) in mentions.iter().enumerate() {
        let Some(pair) = mention.pair() else { continue };
        names.entry(pair).or_insert_with(|| (BTreeSet::new(), at)).0.insert(mention.source);
    }
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by_key(|(_, (sources, at))| (std::cmp::Reverse(sources.len()), *at));
    names.truncate(MOST_NAMES);
    let first_votes = votes(mentions.iter(), Side::First);
    let last_votes = votes(mentions.iter(), Side::Last);
    let support = |&(first, last): &(&str, &str), exact: usize| {
        let supports = |m: &&Mention<'_>| {
            (m.last().is_empty() || m.last() == last)
                && (m.first().is_empty() || may_be_one(first, m.first()))
        };
        let sources: BTreeSet<u32> = mentions.iter().filter(supports).map(|m| m.source).collect();
        (sources.len(), exact, first_votes[first] + last_votes[last])
    };
    let ranked = names.iter().map(|(pair, (sources, at))| {
        let support = support(pair, sources.len());
        let attested = evidence.attested(pair.1) + evidence.attested(pair.0);
        let is_full = full_word_count(pair.0) > 0;
        (support, is_full, attested, person::is_first_name(pair.0), std::cmp::Reverse(*at))
    });
    let ranked: Vec<_> = ranked.collect();
    let best = ranked.iter().max()?;
    let tied = ranked.iter().filter(|other| other.0 == best.0).count() > 1;
    Some((&mentions[best.4.0], if tied { Outcome::Tied } else { Outcome::Decided }))
}

/// Whether two folded first names may be one person's.
fn may_be_one(a: &str, b: &str) -> bool {
    let words = |name: &str| name.split(' ').map(str::to_owned).collect::<Vec<_>>();
    a == b
        || person::may_be_same_first_name(a, b)
        || extends(&words(a), &words(b))
        || extends(&words(b), &words(a))
}

/// Whether two folded names differ by a slip of the keyboard.
fn is_slip(a: &str, b: &str) -> bool {
    /// In a shorter name one other letter makes another name.
    const FEWEST_LETTERS: usize = 4;
    a.len().min(b.len()) >= FEWEST_LETTERS && strsim::damerau_levenshtein(a, b) == 1
}

/// The spelling of the last name that most sources give it.
fn best_last(
    mentions: &[Mention<'_>],
    first: &str,
    last: &str,
    evidence: Evidence<'_, '_>,
) -> String {
    let same_person = mentions.iter().filter(|m| {
        m.first().is_empty() || may_be_one(first, m.first()) || is_slip(first, m.first())
    });
    let votes = votes(same_person, Side::Last);
    let spellings =
        votes.iter().filter(|(name, _)| *name == last || (is_slip(name, last) && *name != first));
    let best =
        spellings.max_by_key(|(name, votes)| (**votes, evidence.attested(name), *name == last));
    best.map_or_else(|| last.to_owned(), |(name, _)| name.clone())
}

/// The fullest form of the first name, in the spelling that most sources give it.
fn fullest_first(mentions: &[Mention<'_>], first: &str, last: &str) -> String {
    let same_person = mentions.iter().filter(|m| {
        let other = m.last();
        (other.is_empty() || other == last || is_slip(other, last))
            // The last name again, or the whole name in one cell.
            && !m.first().is_empty() && !holds(m.first(), last)
    });
    let votes = votes(same_person, Side::First);
    let most = |fits: &dyn Fn(&str) -> bool, full_words: bool| {
        let forms = votes.iter().filter(|(form, _)| fits(form));
        forms
            .max_by_key(|(form, votes)| {
                let words = if full_words { full_word_count(form) } else { 0 };
                (
                    words,
                    **votes,
                    person::is_first_name(form),
                    form.as_str() == first,
                    std::cmp::Reverse(*form),
                )
            })
            .map(|(form, _)| form.clone())
    };
    let is_name = person::is_first_name;
    let spelled = |of: &str| {
        // Two first names a letter apart (`Julia`, `Julie`) are no slips of each other.
        let fits =
            |form: &str| form == of || (is_slip(form, of) && !(is_name(form) && is_name(of)));
        most(&fits, false).unwrap_or_else(|| of.to_owned())
    };
    let mut name = spelled(first);
    // Initials and short forms stand for a name that another record has.
    let short = name.clone();
    if let Some(full) = most(&|form| stands_for(&short, form), false) {
        name = spelled(&full);
    }
    // A further name is told by those who know it; what is no first name needs as many of them.
    let known = name.clone();
    let known_votes = votes.get(&known).copied().unwrap_or_default();
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let further = |form: &str| {
        full_word_count(form) > full_word_count(&known)
            && extends(&words(form), &words(&known))
            && (is_name(form) || votes[form] >= known_votes)
    };
    most(&further, true).map_or(name, |full| spelled(&full))
}

fn full_word_count(name: &str) -> usize {
    name.split(' ').filter(|word| word.len() > 1).count()
}

/// Whether `short` is initials or a short form of `full`.
fn stands_for(short: &str, full: &str) -> bool {
    let words = |name: &str| name.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let initials = full_word_count(short) == 0
        || (short.len() <= 3 && !short.contains(' ') && full.contains(' '));
    let is_short_form = person::may_be_same_first_name(short, full)
        && person::nicknames_of(short).iter().any(|name| name == full);
    is_short_form || (initials && full_word_count(full) > 0 && extends(&words(full), &words(short)))
}

/// The parts survive each by itself: no record has a whole name.
fn apart<'a>(
    mentions: &[Mention<'a>],
    evidence: Evidence<'_, 'a>,
) -> (Option<Survivor<'a>>, Option<Survivor<'a>>) {
    let cells = |side: Side| -> Vec<Candidate<'a>> {
        let mut cells: Vec<Candidate<'a>> =
            mentions.iter().filter_map(|m| Some(m.part(side)?.cell)).collect();
        cells.sort_by_key(|cell| cell.record);
        cells
    };
    let survivor = |name: &str, cells: Vec<Candidate<'a>>| {
        survive(ValueKind::PersonName, Rule::default_for(name), &cells, evidence).into_iter().next()
    };
    let first = survivor("first_name", cells(Side::First));
    let last = survivor("last_name", cells(Side::Last));
    // One word cannot be both, unless one record says so itself.
    let folded = |s: &Option<Survivor<'a>>| s.as_ref().map(|s| text::fold(s.winner.value));
    match (&first, &last) {
        (Some(f), Some(l))
            if f.winner.record != l.winner.record && folded(&first) == folded(&last) =>
        {
            (None, last)
        }
        _ => (first, last),
    }
}

/// The best written of the cells that say the surviving name; all others lose.
fn written_best<'a>(
    won: &[&Part<'a>],
    lost: &[&Part<'a>],
    outcome: Outcome,
    evidence: Evidence<'_, 'a>,
) -> Option<Survivor<'a>> {
    let cells: Vec<Candidate<'a>> = won.iter().map(|part| part.cell).collect();
    let best = survive(ValueKind::PersonName, Rule::MostFrequent, &cells, evidence);
    let mut survivor = best.into_iter().next()?;
    let mut texts: BTreeSet<&str> = BTreeSet::new();
    survivor
        .losers
        .extend(lost.iter().map(|part| part.cell).filter(|cell| texts.insert(cell.value)));
    survivor.losers.sort_by(|a, b| {
        by_standing(evidence.standings, a.record, b.record).then(a.value.cmp(b.value))
    });
    // Nothing else was said of this part: there was nothing to choose.
    survivor.outcome = if lost.is_empty() { Outcome::Decided } else { outcome };
    Some(survivor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::survivorship::Standing;

    /// The name that survives of `source first|last; ...`: a source's letter is its rank.
    fn name(notation: &str) -> String {
        let lines: Vec<(&str, &str, &str)> = notation
            .split("; ")
            .map(|line| {
                let (source, name) = line.split_once(' ').expect("a source");
                let (first, last) = name.split_once('|').expect("two parts");
                (source, first, last)
            })
            .collect();
        let source = |source: &str| u32::from(source.as_bytes()[0]);
        let standings: Vec<Standing<'_>> = lines
            .iter()
            .map(|line| Standing {
                rank: source(line.0),
                date: "",
                filled: 1,
                source: source(line.0),
            })
            .collect();
        let evidence = Evidence {
            standings: &standings,
            mailboxes: &["h lefevre", "p leroy", "marc.alain"].map(text::fold),
            is_shared: &|_| false,
            score: &|_, _| 0,
        };
        let told = lines.iter().zip(0u32..).map(|(&(_, first, last), record)| {
            let cell = |value| {
                Some(Candidate { value, origin: 0, record }).filter(|c| !c.value.is_empty())
            };
            (cell(first), cell(last))
        });
        let (first, last) = survive_together(told, evidence);
        let value = |s: Option<Survivor<'_>>| s.map_or_else(String::new, |s| s.value().to_owned());
        format!("{}|{}", value(first), value(last))
    }

    #[test]
    fn a_name_survives_whole() {
        assert_eq!(name("a Louis|Durand; b Anne|Petit; c Anne|Petit"), "Anne|Petit");
        assert_eq!(name("a Louis|Durand; b Anne|Petit"), "Louis|Durand");
        assert_eq!(name("a |Durand"), "|Durand");
        assert_eq!(name("a Anne|; b |Petit"), "Anne|Petit");
    }

    #[test]
    fn parts_in_each_others_place_count_for_the_order_of_most() {
        assert_eq!(name("a Baudin|Nadine; b Nadine|BAUDIN; c Nadine|Baudin"), "Nadine|Baudin");
        assert_eq!(name("a Lefebvre-Roy|Nadine; b Nadine|Lefebvre-Roy"), "Nadine|Lefebvre-Roy");
        assert_eq!(name("a Durand|; b Julie|Durand; c Julie|Durand"), "Julie|Durand");
        assert_eq!(name("a Morel|L.; b Morel|L.; c Laura|Morel"), "Laura|Morel");
        assert_eq!(name("a |Julia; b Julia|Morel; c Julia|Morel"), "Julia|Morel");
    }

    #[test]
    fn a_mailbox_tells_the_order_of_two_words_that_may_be_either() {
        assert_eq!(name("a Leroy|Pauline; b Pauline|Leroy"), "Pauline|Leroy");
        assert_eq!(name("a Alain|Marc; b Marc|Alain"), "Marc|Alain");
        // Most sources know better.
        assert_eq!(name("a Alain|Marc; b Marc|Alain; c Alain|Marc; d Alain|Marc"), "Alain|Marc");
    }

    #[test]
    fn one_word_is_never_both_parts() {
        assert_eq!(name("a François|François; b François|Morel"), "François|Morel");
        assert_eq!(name("a Nadine Baudin|Baudin; b Nadine|Baudin"), "Nadine|Baudin");
        assert_eq!(name("a Julia|; b |Julia"), "|Julia");
        // Some are called so.
        assert_eq!(name("a Martin|Martin"), "Martin|Martin");
    }

    #[test]
    fn the_spelling_of_most_sources_survives_in_each_part() {
        assert_eq!(name("a Sophie|Matrin; b Sohpie|Martin; c Sophie|Martin"), "Sophie|Martin");
        assert_eq!(name("a Sophie|Matrin; b |Martin; c |MARTIN"), "Sophie|Martin");
        assert_eq!(name("a Helene|LEFVERE; b Hélène|Lefèvre"), "Hélène|Lefèvre");
        assert_eq!(name("a Julia|Morel; b Julie|Morel; c Julie|Morel"), "Julie|Morel");
    }

    #[test]
    fn the_full_first_name_survives() {
        assert_eq!(name("a J.|Morel; b J.|Morel; c Jean|Morel"), "Jean|Morel");
        assert_eq!(name("a Bob|Morel; b Bob|Morel; c Robert|Morel"), "Robert|Morel");
        assert_eq!(name("a Jean|Morel; b Jean-Pierre|Morel"), "Jean-Pierre|Morel");
        assert_eq!(name("a JP|Morel; b Jean-Pierre|Morel"), "Jean-Pierre|Morel");
        assert_eq!(name("a Jean|Morel; b Jean Xyzky|Morel; c Jean|Morel"), "Jean|Morel");
    }

    #[test]
    fn each_part_remembers_what_lost() {
        let standings = [0, 1].map(|n| Standing { rank: n, date: "", filled: 1, source: n });
        let evidence = Evidence {
            standings: &standings,
            mailboxes: &[],
            is_shared: &|_| false,
            score: &|_, _| 0,
        };
        let cell = |value, record| Some(Candidate { value, origin: 0, record });
        let told = [(cell("J.", 0), cell("Morel", 0)), (cell("Jean", 1), cell("MOREL", 1))];
        let (first, last) = survive_together(told.into_iter(), evidence);
        let losers =
            |s: &Survivor<'_>| s.losers.iter().map(|c| c.value).collect::<Vec<_>>().join(" ");
        assert_eq!(first.as_ref().map(losers).as_deref(), Some("J."));
        assert_eq!(last.as_ref().map(losers).as_deref(), Some("MOREL"));
    }
}
