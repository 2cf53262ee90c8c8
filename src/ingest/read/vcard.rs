//! vCards
use super::{Table, encoding::Decoded};
pub(super) fn table(_decoded: Decoded) -> Table { todo!() }
