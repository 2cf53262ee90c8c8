//! Mappings as data: how an export is recognised by its header, and which column is which attribute.

/// One file of `mappings/sources/`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    /// Its name: the file's without `.toml`.
    pub name: String,
}
