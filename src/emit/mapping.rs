//! Targets as data: objects in load order, columns, lengths, pick lists, limits.

/// One file of `mappings/targets/`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    /// Its name: the file's without `.toml`.
    pub name: String,
}
