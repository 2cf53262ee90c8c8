//! Chooses which pairs of records are worth comparing.
