//! A list of pairs that a steward filled in -> decisions.

use std::path::Path;

use super::{By, Desk, refused};
use crate::{
    decisions::Verdict,
    error::{Error, Result},
    ingest::read::{self, Content, Table},
    report::{ReviewColumns, review_columns},
    table::{RecordId, address},
    value::text::fold,
};

/// What stands in the column of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Same,
    NotSame,
}

impl Desk {
    /// The decisions of a list of pairs: a copy of the report's workbook, or one of its sheets saved as text. Pairs
    /// without a decision are left out; a comment of the pair stands in the place of `by`'s.
    ///
    /// # Errors
    ///
    /// When the file has no such list, or a line is not understood: then nothing is decided.
    pub fn review(&self, file: &Path, by: &By) -> Result<Vec<(Verdict, By)>> {
        let mut found = Vec::new();
        let mut lists = 0;
        for table in read::open(file)? {
            if let Some(columns) = Columns::of(&table.header) {
                lists += 1;
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                self.read_list(&name, table, &columns, by, &mut found)?;
            }
        }
        match lists {
            0 => Err(Error::Format {
                path: file.to_owned(),
                message: "it has no list of pairs".into(),
                hint: Some("fill in the review sheets of a copy of `report/report.xlsx`".into()),
            }),
            _ => Ok(found),
        }
    }

    fn read_list(
        &self,
        file: &str,
        table: Table,
        columns: &Columns,
        by: &By,
        found: &mut Vec<(Verdict, By)>,
    ) -> Result<()> {
        for row in table.rows {
            let Content::Data(cells) = row.content else { continue };
            let cell = |at: usize| cells.get(at).unwrap_or_default().trim();
            let place = || address(file, &table.sheet, row.number);
            let word = match cell(columns.decision) {
                "" => continue,
                written => columns.word(written).ok_or_else(|| columns.not_understood(&place()))?,
            };
            let record = |at: usize| {
                let id = RecordId::parse(cell(at)).and_then(|id| self.tables.records.find(id));
                id.map(|at| at as u32).ok_or_else(|| no_record(&place()))
            };
            let rows = self.rows(&[record(columns.left)?, record(columns.right)?]);
            let verdict = match word {
                Word::Same => Verdict::Same { records: rows },
                Word::NotSame => Verdict::NotSame { records: rows },
            };
            let comment = columns.comment.map(cell).filter(|comment| !comment.is_empty());
            let comment = comment.unwrap_or(&by.comment).to_owned();
            found.push((verdict, By { comment, ..by.clone() }));
        }
        Ok(())
    }
}

fn no_record(place: &str) -> crate::error::Error {
    refused(
        &format!("the pair at `{place}` names a record that the run does not have"),
        "name the run that the list is of with `--run`",
    )
}

/// Where a list has what.
struct Columns {
    words: ReviewColumns,
    decision: usize,
    comment: Option<usize>,
    left: usize,
    right: usize,
}

impl Columns {
    /// The columns of a list of pairs, in any language of the report; none of another table.
    fn of(header: &[String]) -> Option<Columns> {
        review_columns().into_iter().find_map(|words| {
            let at = |title: &String| header.iter().position(|h| h.trim() == title);
            Some(Columns {
                decision: at(&words.decision)?,
                comment: at(&words.comment),
                left: at(&words.left)?,
                right: at(&words.right)?,
                words,
            })
        })
    }

    fn not_understood(&self, place: &str) -> Error {
        let ReviewColumns { decision, same, not_same, .. } = &self.words;
        refused(
            &format!("what stands at `{place}` in the column `{decision}` is not understood"),
            &format!("write `{same}` or `{not_same}`, or leave it empty"),
        )
    }

    fn word(&self, written: &str) -> Option<Word> {
        let written = fold(written);
        if written == fold(&self.words.same) {
            Some(Word::Same)
        } else if written == fold(&self.words.not_same) {
            Some(Word::NotSame)
        } else {
            None
        }
    }
}
