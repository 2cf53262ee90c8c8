//! What is odd of a row that is read all the same: a steward is told of each, by its place.

use std::sync::atomic::AtomicU64;

use super::Counts;
use crate::value::Issue;

/// The code of a row with more cells than the header.
pub const SURPLUS_CELLS: &str = "surplus_cells";

/// One odd row or cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The row it was found in.
    pub row: u32,
    /// The column from 0, of what is of one cell; columns beyond the header have numbers too.
    pub column: Option<usize>,
    /// What it is.
    pub what: Odd,
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

impl Odd {
    /// What is told of it; nothing of a row that is cut off, which is no row that can be used as it stands.
    pub fn issue(self) -> Option<Issue> {
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
