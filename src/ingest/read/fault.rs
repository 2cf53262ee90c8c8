//! What is odd of a row that is read all the same: a steward is told of each, by its place.

use std::sync::atomic::AtomicU64;

use super::Counts;
use crate::value::Issue;

/// The code of a row with more cells than the header.
pub const SURPLUS_CELLS: &str = "surplus_cells";

/// Rows or cells of one kind that are listed of a table: where there are more, the table is odd as a whole, and a list of
/// millions helps nobody.
pub(super) const MOST_LISTED: u64 = 10_000;

/// One odd row or cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The row it was found in.
    pub row: u32,
    /// The column from 0, of what is of one cell; columns beyond the header have numbers too.
    pub column: Option<usize>,
    /// What it is.
    pub what: Odd,
    /// Whether further ones of its kind are counted and not listed.
    pub is_last_listed: bool,
    /// The row or cell as read.
    pub raw: String,
}

/// What can be odd of a row that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    /// The file ends within the row.
    CutOff,
    /// Fewer cells than the header.
    Short,
    /// More cells than the header.
    Long,
    /// A quote that is never closed.
    OpenQuote,
    /// A cell that holds a spreadsheet's error.
    ErrorCell,
}

impl Fault {
    /// What is told of it; nothing of what is lost.
    pub fn issue(&self) -> Option<Issue> {
        let issue = self.what.issue()?;
        Some(if self.is_last_listed {
            let message = "the same as in the rows above; those below are counted and not listed";
            Issue { message, ..issue }
        } else {
            issue
        })
    }
}

impl Odd {
    /// What is told of it; nothing of a row that is cut off, which is no row that can be used as it stands.
    fn issue(self) -> Option<Issue> {
        Some(match self {
            Odd::CutOff => return None,
            Odd::Short => Issue::doubtful(
                "missing_cells",
                "the row has fewer cells than the header: the last are taken for blank",
            ),
            Odd::Long => Issue::doubtful(
                SURPLUS_CELLS,
                "the row has more cells than the header: those beyond it are kept without a name",
            ),
            Odd::OpenQuote => Issue::doubtful(
                "unclosed_quote",
                "a quote in the row is never closed: it is taken as it stands",
            ),
            Odd::ErrorCell => Issue::known(
                "error_cell",
                "the cell holds a spreadsheet's error: it counts as blank",
            ),
        })
    }

    pub(super) fn counter(self, counts: &Counts) -> &AtomicU64 {
        match self {
            Odd::CutOff => &counts.cut_rows,
            Odd::Short => &counts.short_rows,
            Odd::Long => &counts.long_rows,
            Odd::OpenQuote => &counts.stray_quotes,
            Odd::ErrorCell => &counts.error_cells,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Tally, *};

    #[test]
    fn of_a_table_of_odd_rows_some_are_listed_and_the_last_says_so() {
        let tally = Tally::default();
        for row in 1..=MOST_LISTED as u32 + 5 {
            tally.fault(row, None, Odd::Short, String::new);
        }
        let listed = tally.take_faults(u32::MAX);
        assert_eq!(listed.len() as u64, MOST_LISTED);
        let messages = |at: usize| listed[at].issue().expect("it is used").message;
        assert!(messages(0).starts_with("the row has fewer cells"));
        assert!(messages(listed.len() - 1).ends_with("not listed"));
    }
}
