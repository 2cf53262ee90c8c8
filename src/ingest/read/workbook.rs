//! Workbooks
use super::{Refusal, Table, container::Workbook};
pub(super) fn tables(_kind: Workbook, _bytes: Vec<u8>) -> Result<Vec<Table>, Refusal> { Err(Refusal::new("todo", "")) }
