//! Whole files: the samples and a corpus when they are there, and refusals.

use super::*;
