//! Several persons in one row: `M. et Mme Dupont`, `Jean et Marie Dupont`.

use crate::{
    model::{self, ValueKind},
    value::{
        person::{self, Named},
        text::{clean, fold},
    },
};

/// The persons that a row names together, if it names more than one, each as written.
///
/// `full` is a whole name, `sure` whether the cell can only hold persons: in a cell that may hold a
/// firm, `Durand et Martin` is one.
pub(super) fn split(
    civility: &str,
    first: &str,
    last: &str,
    full: &str,
    sure: bool,
) -> Option<Vec<Named>> {
    if ![civility, first, last, full].into_iter().any(person::may_be_several) {
        return None;
    }
    let (civility, first, last, full) = (clean(civility), clean(first), clean(last), clean(full));
    // `M./Mme` beside one first name is a box that nobody ticked.
    let one_of_both =
        civility.contains('/') && !first.is_empty() && person::first_names(&first).is_none();
    let pair = person::two_civilities(&civility).filter(|_| !one_of_both);
    if last.is_empty() {
        let whole = if full.is_empty() { first } else { full };
        let persons = match pair {
            Some(_) => person::several(&format!("{civility} {whole}"), true),
            None => person::several(&whole, sure),
        };
        return persons.map(sorted_out);
    }
    // The civilities stand in any of the three columns.
    let (in_first, first) = match person::civilities_beside(&first) {
        Some((pair, rest)) => (Some(pair), rest),
        None => (None, first),
    };
    let names = person::first_names(&first);
    let told = pair.or(in_first);
    let in_last = person::several(&last, sure && told.is_some()).filter(|_| told.is_none());
    let (lasts, civilities): (Vec<String>, Vec<String>) = match (in_last, told) {
        (Some(persons), _) => {
            let civilities = persons.iter().map(|p| p.civility.clone()).collect();
            let full_name = |p: &Named| p.first.is_empty();
            if names.is_none() && (!first.is_empty() || !persons.iter().all(full_name)) {
                // `M. et Mme Dupont` beside `Jean`: the first of the two.
                return Some(sorted_out(beside(persons, &first)));
            }
            (persons.into_iter().map(|p| p.last).collect(), civilities)
        }
        (None, Some(pair)) => (vec![last.clone(); 2], pair.to_vec()),
        (None, None) => {
            let count = names.as_ref()?.len();
            (vec![last.clone(); count], vec![String::new(); count])
        }
    };
    let firsts = names.filter(|names| names.len() == lasts.len()).unwrap_or_else(|| {
        let others = lasts.iter().skip(1).map(|_| String::new());
        std::iter::once(first).chain(others).collect()
    });
    let persons = firsts.into_iter().zip(lasts).zip(civilities);
    let named = |((first, last), civility)| Named { civility, first, last };
    Some(sorted_out(persons.map(named).collect()))
}

/// A couple whose first names stand each beside the civility it goes with: the name of a woman is that of `Mme`.
fn sorted_out(mut persons: Vec<Named>) -> Vec<Named> {
    if let [one, other] = persons.as_mut_slice() {
        let is = |person: &Named, gender: &str| person::gender_of(&person.civility) == Some(gender);
        let crossed = is(one, "m") && is(other, "f") && person::is_woman(&one.first)
            || is(one, "f") && is(other, "m") && person::is_woman(&other.first);
        if crossed && !(person::is_woman(&one.first) && person::is_woman(&other.first)) {
            std::mem::swap(&mut one.first, &mut other.first);
        }
    }
    persons
}

/// Position of the person whose maiden name a row may tell: the woman of the couple, else the second.
fn wife(persons: &[Named]) -> usize {
    let is_woman = |p: &Named| person::gender_of(&p.civility) == Some("f");
    persons.iter().position(is_woman).unwrap_or(1)
}

/// Whether a value of a couple's row is a person's own or of all of them: what is another's, or of one and the row
/// does not say of whom, is not.
pub(super) fn is_theirs(persons: &[Named], nth: usize, attribute: &str, text: &str) -> bool {
    match attribute {
        "civility" | "first_name" | "last_name" | "full_name" | "name" | "middle_name" => false,
        "gender" => false,
        "birth_date" | "job_title" | "title" | "nickname" | "suffix" => nth == 0,
        "maiden_name" => nth == wife(persons),
        "email" => holds(persons, nth, text),
        // What a couple bought counts once.
        money if model::value_kind(money) == ValueKind::Money => nth == 0,
        _ => true,
    }
}

/// Whether the email address of a couple's row is a contact point of this person: it is the household's unless its
/// mailbox names another of them alone.
fn holds(persons: &[Named], nth: usize, email: &str) -> bool {
    let mailbox = email.split('@').next().unwrap_or("");
    let words = fold(&mailbox.replace(['.', '_', '-'], " "));
    let names = |person: &Named| {
        let first = fold(&person.first);
        // A mailbox without separations holds the name at an end: `marietheysset`.
        let joined = first.len() >= MAILBOX_NAME
            && (words.starts_with(&first) || words.ends_with(&first))
            && !words.contains(' ');
        !first.is_empty() && (words.split(' ').any(|word| word == first) || joined)
    };
    let named: Vec<bool> = persons.iter().map(names).collect();
    named[nth] || !named.contains(&true)
}

/// The shortest first name that is seen in a mailbox without separations: shorter ones are parts of others.
const MAILBOX_NAME: usize = 4;

/// The persons of the last name's cell, the first of them with the first name beside it.
fn beside(mut persons: Vec<Named>, first: &str) -> Vec<Named> {
    if let Some(person) = persons.first_mut().filter(|p| p.first.is_empty()) {
        first.clone_into(&mut person.first);
    }
    persons
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The persons as `civility|first|last`.
    fn told(civility: &str, first: &str, last: &str, full: &str, sure: bool) -> String {
        match split(civility, first, last, full, sure) {
            Some(persons) => {
                let each = persons.iter().map(|p| format!("{}|{}|{}", p.civility, p.first, p.last));
                each.collect::<Vec<_>>().join(" ")
            }
            None => "one".into(),
        }
    }

    #[test]
    fn an_address_is_of_both_unless_it_names_one() {
        let couple = split("M. et Mme", "Jean et Marie", "Dupont", "", true).expect("a couple");
        let held = |email: &str| (holds(&couple, 0, email), holds(&couple, 1, email));
        assert_eq!(held("famille.dupont@x.fr"), (true, true));
        assert_eq!(held("jean.dupont@x.fr"), (true, false));
        assert_eq!(held("marie_d@x.fr"), (false, true));
        assert_eq!(held("mariedupont@x.fr"), (false, true));
        assert_eq!(held("jean-marie@x.fr"), (true, true));
    }

    #[test]
    fn the_turnover_of_a_couple_counts_once() {
        let couple = split("M. et Mme", "Jean et Marie", "Dupont", "", true).expect("a couple");
        let theirs = |attribute| [0, 1].map(|nth| is_theirs(&couple, nth, attribute, "12.00"));
        assert_eq!(theirs("sales_excl_tax"), [true, false]);
        assert_eq!(theirs("balance"), [true, false]);
        assert_eq!(theirs("phone"), [true, true]);
    }

    #[test]
    fn couples_are_told_from_one_person_and_from_firms() {
        assert_eq!(
            told("M. et Mme", "Michel et Marie", "Collard", "", true),
            "M.|Michel|Collard Mme|Marie|Collard"
        );
        assert_eq!(told("M. et Mme", "", "LALEVEE", "", true), "M.||LALEVEE Mme||LALEVEE");
        assert_eq!(told("", "M. et Mme", "Couturier", "", true), "M.||Couturier Mme||Couturier");
        for (first, expected) in [
            ("Mr et Mme Jerome", "Mr|Jerome|Roux Mme||Roux"),
            ("M. et Mme Paul", "M.|Paul|Roux Mme||Roux"),
            ("Monsieur et Madame Henri", "Monsieur|Henri|Roux Madame||Roux"),
            ("Mr. et Mme. Guy", "Mr.|Guy|Roux Mme.||Roux"),
            ("M. et Mme Marie", "M.||Roux Mme|Marie|Roux"),
            ("M. et Mme Paul et Marie", "M.|Paul|Roux Mme|Marie|Roux"),
        ] {
            assert_eq!(told("", first, "Roux", "", true), expected, "{first}");
        }
        assert_eq!(
            told("", "Alexis et Francine", "Bonnet", "", true),
            "|Alexis|Bonnet |Francine|Bonnet"
        );
        assert_eq!(
            told("", "", "", "M. et Mme Fernand et Ingrid Jacquemin", true),
            "M.|Fernand|Jacquemin Mme|Ingrid|Jacquemin"
        );
        assert_eq!(told("Mr & Mrs", "", "Dupont", "", true), "Mr||Dupont Mrs||Dupont");
        assert_eq!(told("", "", "M. et Mme Dupont", "", true), "M.||Dupont Mme||Dupont");
        assert_eq!(told("", "Jean", "M. et Mme Dupont", "", true), "M.|Jean|Dupont Mme||Dupont");
        assert_eq!(told("M. et Mme", "Jean", "Dupont", "", true), "M.|Jean|Dupont Mme||Dupont");
        assert_eq!(told("M. ou Mme", "", "", "Dupont Jean", true), "M.|Jean|Dupont Mme||Dupont");
        assert_eq!(
            told("", "Jean, Marie et Paul", "Dupont", "", true),
            "|Jean|Dupont |Marie|Dupont |Paul|Dupont"
        );
        assert_eq!(told("M. et Mme", "Marie", "Dupont", "", true), "M.||Dupont Mme|Marie|Dupont");
        assert_eq!(
            told("M. et Mme", "Marie et Jean", "Dupont", "", true),
            "M.|Jean|Dupont Mme|Marie|Dupont"
        );
        assert_eq!(told("", "", "", "M. et Mme Marie Dupont", true), "M.||Dupont Mme|Marie|Dupont");
        assert_eq!(told("M./Mme", "Jean", "Dupont", "", true), "one");
        assert_eq!(
            told("M./Mme", "Jean et Marie", "Dupont", "", true),
            "M.|Jean|Dupont Mme|Marie|Dupont"
        );
        for (first, last, full) in [
            ("Jean", "Dupont", ""),
            ("", "", "Petit et Fils"),
            ("", "", "Martin et Associés"),
            ("", "", "Durand et Martin Conseil"),
            ("Marie Laure", "Petit", ""),
            ("José", "Ortega y Gasset", ""),
        ] {
            assert_eq!(told("", first, last, full, false), "one", "{first} {last} {full}");
        }
    }
}
