//! Two persons in one name: `M. et Mme Dupont`, `Jean et Marie Dupont`.

use crate::value::{
    organisation, person,
    text::{clean, fold},
};

/// What is written of one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) civility: String,
    pub(super) first: String,
    pub(super) last: String,
}

const LINKS: [&str; 4] = ["et", "&", "and", "+"];
/// What follows `et` in the name of a firm.
const FIRM: [&str; 26] = [
    "fils",
    "fille",
    "filles",
    "frere",
    "freres",
    "soeur",
    "soeurs",
    "associes",
    "associe",
    "cie",
    "compagnie",
    "co",
    "company",
    "sons",
    "son",
    "brothers",
    "partners",
    "partenaires",
    "enfants",
    "successeurs",
    "neveux",
    "neveu",
    "gendre",
    "daughters",
    "consorts",
    "heritiers",
];

/// The two persons that a row names, if it names two.
///
/// `full` is a whole name, `sure` whether the cell can only hold persons: in a cell that may hold a
/// firm, `Durand et Martin` is one.
pub(super) fn split(
    civility: &str,
    first: &str,
    last: &str,
    full: &str,
    sure: bool,
) -> Option<[Half; 2]> {
    let (first, last, full) = (clean(first), clean(last), clean(full));
    let civilities =
        pair_of_civilities(civility).filter(|(_, rest)| rest.is_empty()).map(|(pair, _)| pair);
    // The civility column, or the beginning of a name, says two.
    let (pair, first, last, full) = match civilities {
        Some(pair) => (Some(pair), first, last, full),
        None => {
            let lead = |text: &str| pair_of_civilities(text).filter(|(_, rest)| !rest.is_empty());
            if let Some((pair, rest)) = lead(&full) {
                (Some(pair), first, last, rest)
            } else if let Some((pair, rest)) = lead(&last) {
                (Some(pair), first, rest, full)
            } else if let Some((pair, _)) = pair_of_civilities(&first) {
                (Some(pair), String::new(), last, full)
            } else {
                (None, first, last, full)
            }
        }
    };
    let names = if !last.is_empty() {
        two_first_names(&first).map(|(a, b)| (a, b, last.clone()))
    } else {
        two_in_full(&full, sure || pair.is_some())
    };
    let [civil_a, civil_b] = pair.clone().unwrap_or_default();
    let half = |civility: String, first: String, last: String| Half { civility, first, last };
    if let Some((a, b, last)) = names {
        return Some([half(civil_a, a, last.clone()), half(civil_b, b, last)]);
    }
    pair?;
    // Two civilities and one name: the first name, if there is one, is the first person's.
    let (first, last) = if last.is_empty() {
        let name = person::split(&full);
        if name.last.is_empty() { (String::new(), full) } else { (name.first, name.last) }
    } else {
        (first, last)
    };
    if last.is_empty() {
        return None;
    }
    Some([half(civil_a, first, last.clone()), half(civil_b, String::new(), last)])
}

/// `M. et Mme Dupont`: the two civilities and what follows.
fn pair_of_civilities(text: &str) -> Option<([String; 2], String)> {
    let spaced = text.replace('/', " et ").replace('&', " & ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let [a, link, b, rest @ ..] = words.as_slice() else { return None };
    let linked = LINKS.contains(&link.to_lowercase().as_str());
    if !linked || person::civility(a).is_none() || person::civility(b).is_none() {
        return None;
    }
    Some(([(*a).to_owned(), (*b).to_owned()], rest.join(" ")))
}

/// `Jean et Marie`.
fn two_first_names(first: &str) -> Option<(String, String)> {
    let words: Vec<&str> = first.split_whitespace().collect();
    let at = words.iter().position(|w| LINKS.contains(&w.to_lowercase().as_str()))?;
    let (a, b) = (&words[..at], &words[at + 1..]);
    let plausible =
        |part: &[&str]| (1..=2).contains(&part.len()) && part.iter().all(|w| is_name(w));
    (plausible(a) && plausible(b)).then(|| (a.join(" "), b.join(" ")))
}

/// `Jean et Marie Dupont`, `Dupont Jean et Marie`.
fn two_in_full(full: &str, sure: bool) -> Option<(String, String, String)> {
    let words: Vec<&str> = full.split_whitespace().collect();
    let at = words.iter().position(|w| LINKS.contains(&w.to_lowercase().as_str()))?;
    let (before, after) = (&words[..at], &words[at + 1..]);
    if !before.iter().chain(after).all(|w| is_name(w))
        || (!sure && organisation::looks_like_organisation(full))
    {
        return None;
    }
    let (a, b, last) = match (before, after) {
        ([a], [b, last @ ..]) if (1..=3).contains(&last.len()) => (*a, *b, last.join(" ")),
        ([last @ .., a], [b]) if (1..=3).contains(&last.len()) => (*a, *b, last.join(" ")),
        _ => return None,
    };
    let first_names = || super::kind::is_first_name(a) && super::kind::is_first_name(b);
    (sure || first_names()).then(|| (a.to_owned(), b.to_owned(), last))
}

fn is_name(word: &str) -> bool {
    let folded = fold(word);
    folded.len() > 1
        && folded.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
        && !FIRM.contains(&folded.as_str())
        && organisation::legal_form(word).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two as `civility|first|last`.
    fn two(civility: &str, first: &str, last: &str, full: &str, sure: bool) -> String {
        match split(civility, first, last, full, sure) {
            Some(halves) => {
                halves.map(|h| format!("{}|{}|{}", h.civility, h.first, h.last)).join(" ")
            }
            None => "one".into(),
        }
    }

    #[test]
    fn couples_are_told_from_one_person_and_from_firms() {
        assert_eq!(
            two("M. et Mme", "Michel et Marie", "Collard", "", true),
            "M.|Michel|Collard Mme|Marie|Collard"
        );
        assert_eq!(two("M. et Mme", "", "LALEVEE", "", true), "M.||LALEVEE Mme||LALEVEE");
        assert_eq!(two("", "M. et Mme", "Couturier", "", true), "M.||Couturier Mme||Couturier");
        assert_eq!(
            two("", "Alexis et Francine", "Bonnet", "", true),
            "|Alexis|Bonnet |Francine|Bonnet"
        );
        assert_eq!(
            two("", "", "", "M. et Mme Fernand et Ingrid Jacquemin", true),
            "M.|Fernand|Jacquemin Mme|Ingrid|Jacquemin"
        );
        assert_eq!(two("Mr & Mrs", "", "Dupont", "", true), "Mr||Dupont Mrs||Dupont");
        for (first, last, full) in [
            ("Jean", "Dupont", ""),
            ("", "", "Petit et Fils"),
            ("", "", "Martin et Associés"),
            ("", "", "Durand et Martin Conseil"),
            ("Marie Laure", "Petit", ""),
        ] {
            assert_eq!(two("", first, last, full, false), "one", "{first} {last} {full}");
        }
    }
}
