//! Word lists: the hand-made general knowledge of `mappings/dictionaries`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Words are looked up for every value of the data: the hasher is a fast one.
pub(crate) type HashSet<T> = std::collections::HashSet<T, hashbrown::DefaultHashBuilder>;

/// See [`HashSet`].
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, hashbrown::DefaultHashBuilder>;

/// One list: words separated by blanks, or phrases.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Words {
    Text(String),
    List(Vec<String>),
}

impl Words {
    pub(crate) fn to_vec(&self) -> Vec<String> {
        match self {
            Words::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
            Words::List(list) => list.clone(),
        }
    }

    pub(crate) fn to_set(&self) -> HashSet<String> {
        self.to_vec().into_iter().collect()
    }
}

/// A built-in dictionary read as `T`.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(toml: &str) -> T {
    toml::from_str(toml).expect("a test reads every built-in dictionary")
}

/// From each variant to its canonical form.
pub(crate) fn inverted(lists: &BTreeMap<String, Words>) -> HashMap<String, String> {
    let pairs = lists.iter().flat_map(|(canonical, variants)| {
        variants.to_vec().into_iter().map(move |variant| (variant, canonical.clone()))
    });
    pairs.collect()
}
