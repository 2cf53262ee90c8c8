//! What a steward is told of odd rows: by file, sheet, row and column.

use super::{
    TableFate,
    read::{Fault, Tally},
    withhold::Watch,
};
use crate::table::{Reject, RowIssue, Severity};

/// What is told of the faults of the rows up to `last` of a table, and not of them before: of what was lost in
/// rejects, of what was used all the same in issues.
pub(super) fn told(
    tally: &Tally,
    last: u32,
    watch: &Watch,
    fate: &TableFate,
) -> (Vec<Reject>, Vec<RowIssue>) {
    let (mut rejects, mut issues) = (Vec::new(), Vec::new());
    for fault in tally.take_faults(last) {
        let told = fault.issue();
        let Fault { row, column, raw, .. } = fault;
        let column = column.map(|at| watch.column(at)).unwrap_or_default();
        let raw = watch.shown(raw);
        match told {
            Some(issue) => issues.push(RowIssue {
                source: fate.source.clone(),
                file: fate.file.clone(),
                sheet: fate.sheet.clone(),
                row,
                column,
                issue,
                raw,
            }),
            None => rejects.push(Reject {
                source: fate.source.clone(),
                file: fate.file.clone(),
                sheet: fate.sheet.clone(),
                row: Some(row),
                column,
                code: "truncated_file".into(),
                severity: Severity::Cell,
                message: "the file ends within this row: it was cut, and what followed is missing"
                    .into(),
                suggestion: "export it again from its system".into(),
                raw,
            }),
        }
    }
    (rejects, issues)
}
