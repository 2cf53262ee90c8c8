//! `fixes/<source>.csv`: what was found wrong in a system that lives on beside the CRM, for whoever keeps it.
//!
//! A source that retires takes its mistakes with it. One that lives on (`continuity = "live"`) would bring them back with
//! its next export: each is told with its row and column, and where it is known with what is right.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Serialize;

use crate::{
    error::Result,
    store,
    table::{
        CellIssue, Channel, ConsentState, Golden, GoldenConsent, IssueLine, Link, Records, Reject,
        RowIssue, Severity,
    },
    value::{Certainty, text::fold},
};

/// One thing to put right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Fix {
    file: String,
    sheet: String,
    row: Option<u32>,
    record_key: String,
    column: String,
    /// A word of `rejects.csv` or `issues.csv`, or `duplicate`, `bounced`.
    code: String,
    message: String,
    suggestion: String,
    raw: String,
    value: String,
}

const COLUMNS: [&str; 10] = [
    "file",
    "sheet",
    "row",
    "record_key",
    "column",
    "code",
    "message",
    "suggestion",
    "raw",
    "value",
];

/// Everything that a run found.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// Clean.
    pub records: &'a Records,
    /// Values that were used, and of which there is something to know.
    pub issues: &'a [CellIssue],
    /// Rows that were used although their form is broken.
    pub row_issues: &'a [RowIssue],
    /// Rows and cells that were not used.
    pub rejects: &'a [Reject],
    /// Persons and organisations that rows name together.
    pub links: &'a [Link],
    /// What the records became.
    pub golden: &'a Golden,
}

impl Findings<'_> {
    /// Writes a file for each of the sources `live`, and returns how many things there are to put right.
    pub fn write(&self, folder: &Path, live: &BTreeSet<String>) -> Result<u64> {
        let mut fixes = 0;
        let mut taken = BTreeSet::new();
        for source in live {
            let found = self.of_source(source);
            fixes += found.len() as u64;
            let path = folder.join(format!("{}.csv", file_name(source, &mut taken)));
            store::write_csv(&path, &COLUMNS, found)?;
        }
        Ok(fixes)
    }

    /// What is wrong in a source, by place.
    fn of_source(&self, source: &str) -> BTreeSet<Fix> {
        let keys = self.keys(source);
        let key = |file: &str, sheet: &str, row: Option<u32>| -> String {
            let found = row.and_then(|row| keys.get(&(file, sheet, row)));
            found.copied().unwrap_or_default().to_owned()
        };
        let rejects = self.rejects.iter().filter(|reject| reject.source == source);
        let rejects = rejects.map(|reject| Fix {
            file: reject.file.clone(),
            sheet: reject.sheet.clone(),
            row: reject.row,
            record_key: key(&reject.file, &reject.sheet, reject.row),
            column: reject.column.clone(),
            code: reject.code.clone(),
            message: reject.message.clone(),
            suggestion: reject.suggestion.clone(),
            // A whole row is found by its number.
            raw: Some(&reject.raw)
                .filter(|_| reject.severity == Severity::Cell)
                .cloned()
                .unwrap_or_default(),
            value: String::new(),
        });
        let of_rows = self.row_issues.iter().map(RowIssue::line);
        let issues = of_rows.chain(self.issues.iter().map(|issue| issue.line(self.records)));
        let issues = issues.filter(|line| line.source == source && is_wrong(line));
        let issues = issues.map(|line: IssueLine<'_>| Fix {
            file: line.file.to_owned(),
            sheet: line.sheet.to_owned(),
            row: Some(line.row),
            record_key: key(line.file, line.sheet, Some(line.row)),
            column: line.column.to_owned(),
            code: line.code.to_owned(),
            message: line.message.to_owned(),
            suggestion: line.suggestion.to_owned(),
            raw: if line.column.is_empty() { String::new() } else { line.raw.to_owned() },
            value: line.value.to_owned(),
        });
        rejects.chain(issues).chain(self.duplicates(source)).chain(self.bounced(source)).collect()
    }

    /// The declared keys of a source's rows.
    fn keys(&self, source: &str) -> BTreeMap<(&str, &str, u32), &str> {
        let own = self.of(source);
        let key = |at: usize| {
            let place = self.records.place_of(at);
            let row = self.records.row[at];
            ((place.file.as_str(), place.sheet.as_str(), row), self.records.keys[at].as_str())
        };
        own.map(key).filter(|(_, key)| !key.is_empty()).collect()
    }

    /// The positions of a source's records.
    fn of(&self, source: &str) -> impl Iterator<Item = usize> {
        (0..self.records.len()).filter(move |&at| self.records.place_of(at).source == source)
    }

    fn fix(&self, at: usize, column: String, code: &str, message: String, raw: String) -> Fix {
        let place = self.records.place_of(at);
        Fix {
            file: place.file.clone(),
            sheet: place.sheet.clone(),
            row: Some(self.records.row[at]),
            record_key: self.records.keys[at].clone(),
            column,
            code: code.to_owned(),
            message,
            suggestion: String::new(),
            raw,
            value: String::new(),
        }
    }

    /// Rows of a source that are one customer, each beside the first of them. Two accounts of one customer may be meant:
    /// the keeper decides. The organisation that a person's row names is no customer of that row: ten colleagues' rows
    /// name it ten times.
    fn duplicates(&self, source: &str) -> Vec<Fix> {
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let beside = self.beside_persons();
        for at in self.of(source).filter(|&at| !beside.contains(&(at as u32))) {
            rows.entry(self.golden.golden_of[at].as_str()).or_default().push(at);
        }
        let place = |&at: &usize| {
            let place = self.records.place_of(at);
            (&place.file, &place.sheet, self.records.row[at])
        };
        let mut fixes = Vec::new();
        for (golden_id, mut found) in rows {
            found.sort_by_key(place);
            found.dedup_by_key(|at| place(at));
            let Some((first, others)) = found.split_first() else { continue };
            for &at in others {
                let message = format!(
                    "the same customer as {} ({golden_id})",
                    self.records.address_of(*first)
                );
                fixes.push(self.fix(at, String::new(), "duplicate", message, String::new()));
            }
        }
        fixes
    }

    /// The organisations that stand in the row of a person.
    fn beside_persons(&self) -> BTreeSet<u32> {
        let line = |at: u32| (self.records.place[at as usize], self.records.row[at as usize]);
        let in_one_row = |link: &&Link| line(link.person) == line(link.organisation);
        self.links.iter().filter(in_one_row).map(|link| link.organisation).collect()
    }

    /// Cells of a source that hold an address at which mail came back.
    fn bounced(&self, source: &str) -> Vec<Fix> {
        let bounced: BTreeSet<(&str, &str)> = (self.golden.consents.iter())
            .filter(|line| line.state() == Some(ConsentState::HardBounce))
            .filter(|line| line.channel == Channel::Email)
            .map(|line: &GoldenConsent| (&*line.golden_id, &*line.contact_point))
            .collect();
        let Some(column) = self.records.columns.get("email") else { return Vec::new() };
        let mut fixes = Vec::new();
        for at in self.of(source) {
            for (value, origin) in column.entries(at) {
                if bounced.contains(&(self.golden.golden_of[at].as_str(), value)) {
                    let header = &self.records.origins[origin as usize].column;
                    let message = "mail to this address came back for good".to_owned();
                    let fix = self.fix(at, header.clone(), "bounced", message, value.to_owned());
                    fixes.push(fix);
                }
            }
        }
        fixes
    }
}

/// Whether the system should say something else: what is merely known of a value (`info@` is a role's mailbox) is no
/// mistake, and case and marks are none either.
fn is_wrong(line: &IssueLine<'_>) -> bool {
    // A way of writing nothing says what is so.
    let is_nothing = line.code == "placeholder" && line.value.is_empty();
    !is_nothing && (line.certainty != Certainty::Proved || fold(line.raw) != fold(line.value))
}

/// A source's name as that of a file, different from those before it.
fn file_name(source: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let mut name: String = source.chars().map(plain).collect();
    if name.starts_with('.') {
        name.insert(0, '-');
    }
    while !taken.insert(name.clone()) {
        name.push('-');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        table::{ConsentSaid, Draft, IdKey, Kind, Place, RecordsBuilder, row_digest},
        value::Issue,
    };

    #[test]
    fn what_is_wrong_in_a_live_source_is_told_by_row_and_column() {
        let mut builder = RecordsBuilder::default();
        for (row, source) in [(2, "erp"), (3, "erp"), (2, "old")] {
            let place = builder.place(Place {
                source: source.into(),
                file: format!("{source}.csv"),
                ..Place::default()
            });
            let origin = builder.origin(place, "Mail", "");
            builder.push(Draft {
                kind: Some(Kind::Person),
                place,
                row,
                key: format!("C{row}"),
                digest: row_digest([("row", row.to_string().as_str())]),
                values: vec![("email".into(), "x@y.fr".into(), origin)],
            });
        }
        let (records, _) = builder.finish(&IdKey([7; 32]));
        let bounce = GoldenConsent {
            golden_id: "P1".into(),
            contact_point: "x@y.fr".into(),
            channel: Channel::Email,
            said: Some(ConsentSaid::bare(ConsentState::HardBounce)),
        };
        let golden =
            Golden { golden_of: vec!["P1".into(); 3], consents: vec![bounce], ..Golden::default() };
        let reject = Reject {
            source: "erp".into(),
            file: "erp.csv".into(),
            sheet: String::new(),
            row: Some(3),
            column: "Tel".into(),
            code: "bad_phone".into(),
            severity: Severity::Cell,
            message: "no number".into(),
            suggestion: String::new(),
            raw: "12".into(),
        };
        let rejects = [reject];
        let findings = Findings {
            records: &records,
            issues: &[],
            row_issues: &[RowIssue {
                source: "erp".into(),
                file: "erp.csv".into(),
                sheet: String::new(),
                row: 4,
                column: String::new(),
                issue: Issue {
                    code: "surplus_cells",
                    certainty: Certainty::Likely,
                    message: "a cell too many",
                    suggestion: String::new(),
                },
                raw: "a;b".into(),
            }],
            rejects: &rejects,
            links: &[],
            golden: &golden,
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let live = BTreeSet::from(["erp".to_owned()]);
        assert_eq!(findings.write(folder.path(), &live).expect("written"), 5);
        let text = store::read_text(&folder.path().join("erp.csv")).expect("there");
        assert_eq!(
            text,
            "file,sheet,row,record_key,column,code,message,suggestion,raw,value\n\
             erp.csv,,2,C2,Mail,bounced,mail to this address came back for good,,x@y.fr,\n\
             erp.csv,,3,C3,,duplicate,the same customer as erp.csv:2 (P1),,,\n\
             erp.csv,,3,C3,Mail,bounced,mail to this address came back for good,,x@y.fr,\n\
             erp.csv,,3,C3,Tel,bad_phone,no number,,12,\n\
             erp.csv,,4,,,surplus_cells,a cell too many,,,\n"
        );
    }

    #[test]
    fn colleagues_whose_rows_name_one_organisation_are_no_duplicates() {
        let mut builder = RecordsBuilder::default();
        let place = builder.place(Place {
            source: "erp".into(),
            file: "erp.csv".into(),
            ..Place::default()
        });
        let origin = builder.origin(place, "Name", "");
        for row in 2..5 {
            for kind in [Kind::Person, Kind::Organisation] {
                let digest = row_digest([("row", format!("{row}{}", kind.as_str()).as_str())]);
                builder.push(Draft {
                    kind: Some(kind),
                    place,
                    row,
                    key: String::new(),
                    digest,
                    values: vec![("name".into(), format!("{row}"), origin)],
                });
            }
        }
        let (records, _) = builder.finish(&IdKey([7; 32]));
        let at = |row: u32, kind: Kind| {
            let mut all = 0..records.len();
            all.find(|&at| records.row[at] == row && records.kinds[at] == kind).expect("pushed")
                as u32
        };
        let link = |row: u32| Link {
            person: at(row, Kind::Person),
            organisation: at(row, Kind::Organisation),
            role: String::new(),
        };
        let links = [link(2), link(3)];
        let mut golden_of = vec!["O1".to_owned(); records.len()];
        (2..5).for_each(|row| golden_of[at(row, Kind::Person) as usize] = format!("P{row}"));
        let golden = Golden { golden_of, ..Golden::default() };
        let told = |links: &[Link]| {
            let (issues, rejects) = (&[], &[]);
            Findings { records: &records, issues, row_issues: &[], rejects, links, golden: &golden }
                .duplicates("erp")
                .len()
        };
        assert_eq!(told(&links), 0);
        assert_eq!(told(&[]), 2, "rows of organisations alone are duplicates");
    }

    #[test]
    fn a_name_with_marks_is_a_file_of_the_folder() {
        let mut taken = BTreeSet::new();
        assert_eq!(file_name("../a b", &mut taken), "-..-a-b");
        assert_eq!(file_name("x/y", &mut taken), "x-y");
        assert_eq!(file_name("x y", &mut taken), "x-y-");
    }
}
