//! One column while its cells are counted.

use std::collections::BTreeMap;

use super::{
    ColumnProfile, Counted, Distinct, EXAMPLES, Found, Guess, Occurrence, Pattern, Place,
    Suspicious,
    frequencies::{Frequencies, Repeats},
    judge::{Judge, Measure, Validity, Verdict},
    pattern, told,
};
use crate::{ingest::columns::hash, value::sensitive};

/// Different values of a column that are counted exactly: with their texts some megabytes.
const MOST_VALUES: usize = 1 << 16;
/// Different forms of a column that are counted exactly.
const MOST_PATTERNS: usize = 1 << 12;
/// Values and forms that are told.
const SHOWN: usize = 10;

/// A suspicious cell: its row, its text, and the row it repeats, if it repeats one.
type Example = (u32, String, Option<u32>);

/// A column while it is read.
pub(super) struct Column {
    guess: Guess,
    judge: Judge,
    filled: u64,
    validity: [u64; 3],
    values: Frequencies,
    patterns: Frequencies,
    /// The verdicts met so far: few, whatever the number of values.
    verdicts: Vec<(Verdict, Option<i32>)>,
    spread: BTreeMap<i32, u64>,
    suspicious: BTreeMap<&'static str, (u64, Vec<Example>)>,
    keys: Option<Repeats>,
    shortest: Option<(usize, String, u32)>,
    longest: Option<(usize, String, u32)>,
    least: Option<(Measure, u32)>,
    greatest: Option<(Measure, u32)>,
    form: String,
}

impl Column {
    /// Counts nothing yet. `sample` are cells of some rows: what is frequent stands among them.
    pub(super) fn new<'c>(
        guess: Guess,
        judge: Judge,
        sample: impl Iterator<Item = &'c str> + Clone,
    ) -> Column {
        let filled = sample.map(str::trim).filter(|cell| !cell.is_empty());
        let forms: Vec<String> = filled
            .clone()
            .map(|cell| {
                let mut form = String::new();
                pattern::write(cell, &mut form);
                form
            })
            .collect();
        Column {
            values: Frequencies::new(MOST_VALUES, filled),
            patterns: Frequencies::new(MOST_PATTERNS, forms.iter().map(String::as_str)),
            keys: guess.is_key.then(Repeats::default),
            guess,
            judge,
            filled: 0,
            validity: [0; 3],
            verdicts: Vec::new(),
            spread: BTreeMap::new(),
            suspicious: BTreeMap::new(),
            shortest: None,
            longest: None,
            least: None,
            greatest: None,
            form: String::new(),
        }
    }

    /// Takes the cell of one row into account.
    pub(super) fn add(&mut self, row: u32, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        let note = match self.values.count(cell) {
            Some(note) => note,
            None => {
                let note = self.look(row, cell);
                self.values.note(cell, note);
                note
            }
        };
        let (verdict, bucket) = &self.verdicts[usize::from(note)];
        let validity = verdict.validity;
        self.validity[validity as usize] += 1;
        if let Some(bucket) = bucket {
            *self.spread.entry(*bucket).or_default() += 1;
        }
        for code in &verdict.codes {
            let (count, examples) = self.suspicious.entry(code).or_default();
            *count += 1;
            if examples.len() < EXAMPLES {
                examples.push((row, told(cell, self.guess.scope), None));
            }
        }
        if validity != Validity::Placeholder {
            self.add_key(row, cell);
        }
        pattern::write(cell, &mut self.form);
        if self.patterns.count(&self.form).is_none() {
            self.patterns.note(&self.form, 0);
        }
    }

    fn add_key(&mut self, row: u32, cell: &str) {
        let Some(keys) = &mut self.keys else { return };
        if let Some(first) = keys.add(hash(&cell.to_uppercase()), row) {
            let (_, examples) = self.suspicious.entry("duplicate_key").or_default();
            if examples.len() < EXAMPLES {
                examples.push((row, told(cell, self.guess.scope), Some(first)));
            }
        }
    }

    /// Judges a value that was not met before, and returns the number of its verdict.
    fn look(&mut self, row: u32, cell: &str) -> u16 {
        let length = cell.chars().count();
        let kept = |length| Some((length, told(cell, self.guess.scope), row));
        if self.shortest.as_ref().is_none_or(|(n, ..)| length < *n) {
            self.shortest = kept(length);
        }
        if self.longest.as_ref().is_none_or(|(n, ..)| length > *n) {
            self.longest = kept(length);
        }
        let mut verdict = self.judge.verdict(cell);
        for finding in self.guess.scope.iter().flat_map(|&scope| sensitive::find(cell, scope)) {
            if !verdict.codes.contains(&finding.kind.as_str()) {
                verdict.codes.push(finding.kind.as_str());
            }
        }
        let measure = verdict.measure.take();
        let bucket = measure.as_ref().map(Measure::bucket);
        if let Some(measure) = measure {
            if self.least.as_ref().is_none_or(|(least, _)| measure < *least) {
                self.least = Some((measure.clone(), row));
            }
            if self.greatest.as_ref().is_none_or(|(greatest, _)| measure > *greatest) {
                self.greatest = Some((measure, row));
            }
        }
        let verdict = (verdict, bucket);
        let at = self.verdicts.iter().position(|known| *known == verdict).unwrap_or_else(|| {
            self.verdicts.push(verdict);
            self.verdicts.len() - 1
        });
        u16::try_from(at).expect("there are few codes, and years and lengths are bounded")
    }

    /// What was found, told with the places of its cells.
    pub(super) fn finish(self, place: &Place<'_>) -> ColumnProfile {
        let at = self.guess.position;
        let found = |value: String, length: usize, row: u32| Found {
            value,
            length: length as u64,
            cell: place.cell(at, row),
        };
        let extreme = |measure: Option<(Measure, u32)>| {
            measure.map(|(measure, row)| {
                let text = measure.text();
                let length = text.chars().count();
                found(text, length, row)
            })
        };
        let duplicates = self.keys.as_ref().map_or(0, Repeats::again);
        let exact_keys = self.keys.as_ref().is_none_or(Repeats::is_exact);
        let mut suspicious: Vec<Suspicious> = (self.suspicious.into_iter())
            .map(|(code, (count, examples))| Suspicious {
                code,
                count: if code == "duplicate_key" { duplicates } else { count },
                exact: code != "duplicate_key" || exact_keys,
                examples: (examples.into_iter())
                    .map(|(row, value, first)| Occurrence {
                        cell: place.cell(at, row),
                        row,
                        value,
                        first: first.map(|first| place.cell(at, first)),
                    })
                    .collect(),
            })
            .collect();
        suspicious.sort_by(|a, b| b.count.cmp(&a.count).then(a.code.cmp(b.code)));
        let scope = self.guess.scope;
        let counted = |(value, count): (&str, u64)| Counted { value: told(value, scope), count };
        ColumnProfile {
            column: self.guess.header,
            position: at as u64 + 1,
            letter: place.letters(at),
            attribute: self.guess.attribute,
            kind: self.guess.kind,
            confidence: self.guess.confidence,
            reason: self.guess.reason,
            filled: self.filled,
            valid: self.validity[Validity::Valid as usize],
            placeholders: self.validity[Validity::Placeholder as usize],
            invalid: self.validity[Validity::Invalid as usize],
            is_key: self.keys.is_some(),
            distinct: Distinct { count: self.values.distinct(), exact: self.values.is_exact() },
            top_values: self.values.top(SHOWN).into_iter().map(counted).collect(),
            patterns: (self.patterns.top(SHOWN).into_iter())
                .map(|(pattern, count)| Pattern { pattern: pattern.to_owned(), count })
                .collect(),
            shortest: self.shortest.map(|(length, value, row)| found(value, length, row)),
            longest: self.longest.map(|(length, value, row)| found(value, length, row)),
            least: extreme(self.least),
            greatest: extreme(self.greatest),
            spread: self.spread,
            suspicious,
        }
    }
}
