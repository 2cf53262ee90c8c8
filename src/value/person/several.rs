//! Several persons in one cell: `M. et Mme Dupont`, `Jean et Marie Dupont`, `Eheleute Huber`.

use super::{
    super::{organisation, text},
    LEXICON, civility, is_first_name,
    part::straight,
    split::{is_compound, is_spaced_compound, read},
};

/// What a cell says of one of its persons, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The civility, or empty.
    pub civility: String,
    /// The first names, or empty.
    pub first: String,
    /// The last name.
    pub last: String,
}

/// The persons that a cell names, if it names more than one.
///
/// `sure` says that the cell can only hold persons: in one that may hold a firm, `Durand et Martin`
/// is a firm. A civility that is said of both is given to each; a first name that is said of neither
/// is left empty. A pair of spouses without civilities gets none.
pub fn several(cell: &str, sure: bool) -> Option<Vec<Named>> {
    match links_none(cell) && !begins_plural(cell) {
        true => None,
        false => read_several(cell, sure),
    }
}

fn read_several(cell: &str, sure: bool) -> Option<Vec<Named>> {
    let cell = spaced(cell);
    let words: Vec<&str> = cell.split(' ').filter(|w| !w.is_empty()).collect();
    if words.len() < 2 {
        return None;
    }
    if let Some((plural, rest)) = after_plural(&words) {
        let mut persons = persons_of(&rest, true)
            .or_else(|| (plural.is_empty()).then(|| couple_of(["", ""], &rest)).flatten())?;
        for person in persons.iter_mut().filter(|p| p.civility.is_empty()) {
            plural.clone_into(&mut person.civility);
        }
        return Some(persons);
    }
    if let Some((pair, rest)) = pair_of_civilities(&words) {
        let pair = [pair[0].as_str(), pair[1].as_str()];
        if let Some(mut persons) = persons_of(&rest, true) {
            for (person, civility) in persons.iter_mut().zip(pair) {
                civility.clone_into(&mut person.civility);
            }
            return Some(persons);
        }
        return couple_of(pair, &rest);
    }
    persons_of(&words, sure)
}

/// The first names of a cell that holds several: `Jean et Marie`, `Jean, Marie & Paul`.
pub(crate) fn first_names(cell: &str) -> Option<Vec<String>> {
    if links_none(cell) { None } else { read_first_names(cell) }
}

fn read_first_names(cell: &str) -> Option<Vec<String>> {
    let cell = spaced(cell).replace(',', " , ");
    let words: Vec<&str> = cell.split(' ').filter(|w| !w.is_empty()).collect();
    if !words.iter().any(|w| is_link(w)) {
        return None;
    }
    let pieces: Vec<&[&str]> = words.split(|w| is_link(w) || *w == ",").collect();
    let plausible =
        |piece: &&[&str]| (1..=2).contains(&piece.len()) && piece.iter().all(|w| is_name(w));
    let all = pieces.len() > 1 && pieces.iter().all(plausible);
    all.then(|| pieces.iter().map(|piece| piece.join(" ")).collect())
}

/// The two civilities that a text is, and no more: `M. et Mme`.
pub(crate) fn two_civilities(text: &str) -> Option<[String; 2]> {
    if links_none(text) { None } else { read_two_civilities(text) }
}

fn read_two_civilities(text: &str) -> Option<[String; 2]> {
    let cell = spaced(text);
    let words: Vec<&str> = cell.split(' ').filter(|w| !w.is_empty()).collect();
    pair_of_civilities(&words).filter(|(_, rest)| rest.is_empty()).map(|(pair, _)| pair)
}

/// The two civilities in a cell of first names, and what else it holds: `Mr et Mme Jerome`.
pub(crate) fn civilities_beside(first: &str) -> Option<([String; 2], String)> {
    if links_none(first) {
        return None;
    }
    let cell = spaced(first);
    let words: Vec<&str> = cell.split(' ').filter(|w| !w.is_empty()).collect();
    pair_of_civilities(&words).map(|(pair, rest)| (pair, rest.join(" ")))
}

/// Whether a cell may name several persons, or hold what is said of several; of most cells this is sure not to be.
pub(crate) fn may_be_several(cell: &str) -> bool {
    !links_none(cell) || begins_plural(cell)
}

/// Whether a plain text surely holds nothing that links two persons, neither a mark nor a word: most cells do,
/// and name one. [`spaced`] and [`is_link`] find no link in it.
fn links_none(cell: &str) -> bool {
    let is_mark = |b: u8| matches!(b, b'&' | b'+' | b'/' | b';' | b'-');
    let may_link = |word: &str| word.len() <= LEXICON.longest_link && is_link(word);
    text::is_tidy(cell)
        && !cell.bytes().any(is_mark)
        && !cell.split([' ', ',', '(', ')']).any(may_link)
}

/// Whether a plain text begins with a word that says several.
fn begins_plural(cell: &str) -> bool {
    let words: Vec<&str> = cell.split(' ').take(3).collect();
    words.len() > 1 && after_plural(&words).is_some()
}

/// The text with blanks around what separates persons.
fn spaced(cell: &str) -> String {
    let mut text = straight(cell);
    for mark in ["&", "+", "/", ";"] {
        text = text.replace(mark, &format!(" {mark} "));
    }
    // `Jansen e/v de Vries`, `c/o`: no two persons.
    for (apart, together) in
        [("e / v", "e/v"), ("E / V", "e/v"), ("c / o", "c/o"), ("s / c", "s/c")]
    {
        text = text.replace(apart, together);
    }
    // `M.-Mme Dupont`
    let words = text.split(' ').map(|word| match word.split_once('-') {
        Some((a, b)) if civility(a).is_some() && civility(b).is_some() => format!("{a} / {b}"),
        _ => word.to_owned(),
    });
    text::clean(&words.collect::<Vec<_>>().join(" "))
}

fn is_link(word: &str) -> bool {
    matches!(word, "&" | "+" | "/" | ";") || LEXICON.link.contains(&word.to_lowercase())
}

/// `et`, `&`: no part of a name, as `y` and `e` may be.
fn is_plain_link(word: &str) -> bool {
    matches!(word, "&" | "+" | "/" | ";") || LEXICON.plain_link.contains(&word.to_lowercase())
}

/// The civility of all and what follows a word that says several: `MM.`, `Époux`, `Eheleute`.
fn after_plural<'w>(words: &[&'w str]) -> Option<(String, Vec<&'w str>)> {
    for n in (1..=2.min(words.len() - 1)).rev() {
        let phrase = text::fold(&words[..n].join(" "));
        if let Some(civility) = LEXICON.plural.get(&phrase) {
            return Some((civility.clone(), words[n..].to_vec()));
        }
        if LEXICON.couple.contains(&phrase) {
            return Some((String::new(), words[n..].to_vec()));
        }
    }
    None
}

/// How many words at the start are a civility: the longest run of them.
fn civility_words(words: &[&str]) -> usize {
    let mut taken = 0;
    let words = words.split(|w| is_link(w)).next().unwrap_or(&[]);
    while let Some(n) = (1..=4.min(words.len() - taken))
        .rev()
        .find(|&n| civility(&words[taken..taken + n].join(" ")).is_some())
    {
        taken += n;
    }
    taken
}

/// `M. et Mme Dupont`, `Dupont M. et Mme`, `Dupont (M. et Mme) Jean`: the two civilities, and what
/// else there is.
fn pair_of_civilities<'w>(words: &[&'w str]) -> Option<([String; 2], Vec<&'w str>)> {
    for at in 0..words.len() {
        let bare: Vec<&str> = words[at..].iter().map(|w| w.trim_matches(['(', ')', ','])).collect();
        let a = civility_words(&bare);
        if a == 0 || !bare.get(a).is_some_and(|w| is_link(w)) {
            continue;
        }
        let b = civility_words(&bare[a + 1..]);
        if b == 0 {
            continue;
        }
        let end = at + a + 1 + b;
        // In the middle, a civility of one letter may be an initial: `Paul M et Mme`.
        let pair = [bare[..a].join(" "), bare[a + 1..a + 1 + b].join(" ")];
        let rest = words[..at].iter().chain(&words[end..]).copied().collect();
        return Some((pair, rest));
    }
    None
}

/// Two civilities and one name: the first name, if there is one, is the first person's.
fn couple_of(civilities: [&str; 2], rest: &[&str]) -> Option<Vec<Named>> {
    let name = read(&rest.join(" "));
    let (mut first, mut last) = (name.first.join(" "), name.last.join(" "));
    // `Sr. y Sra. García López`: two last names.
    if last.is_empty() || name.guessed && !is_first_name(&text::fold(&first)) {
        (first, last) = (String::new(), rest.join(" "));
    }
    if !last.chars().any(char::is_alphabetic) {
        return None;
    }
    let person = |civility: &str, first: String| Named {
        civility: civility.to_owned(),
        first,
        last: last.clone(),
    };
    Some(vec![person(civilities[0], first), person(civilities[1], String::new())])
}

/// One side of a link.
struct Piece<'w> {
    civility: String,
    words: Vec<&'w str>,
}

impl Piece<'_> {
    /// Whether it is one or two first names and nothing else.
    fn is_given(&self) -> bool {
        match self.words.as_slice() {
            [only] => is_first_name(&text::fold(only)),
            [a, b] => {
                let (a, b) = (text::fold(a), text::fold(b));
                is_compound(&a, &b) || is_spaced_compound(&a, &b)
            }
            _ => false,
        }
    }

    /// Whether a first name is known among its words.
    fn has_given(&self) -> bool {
        self.words.iter().any(|w| is_first_name(&text::fold(w)))
    }

    /// First and last name.
    fn read(&self) -> (String, String) {
        let name = read(&self.words.join(" "));
        (name.first.join(" "), name.last.join(" "))
    }
}

/// The persons on the sides of `et`, `&`, `/`.
fn persons_of(words: &[&str], sure: bool) -> Option<Vec<Named>> {
    let pieces = pieces_of(words)?;
    let civil = pieces.iter().filter(|p| !p.civility.is_empty()).count();
    let cell = words.join(" ");
    if !sure && civil == 0 && organisation::looks_like_organisation(&cell) {
        return None;
    }
    let given = |piece: &Piece<'_>| piece.has_given() || !piece.civility.is_empty();
    if !sure && !pieces.iter().all(given) {
        return None;
    }
    // `y`, `e`, `en` join names too: `Ortega y Gasset`.
    let plain = words.iter().any(|w| is_plain_link(w));
    if !plain && !pieces.iter().all(|p| !p.civility.is_empty() || p.has_given()) {
        return None;
    }
    shared_last(&pieces, sure).or_else(|| own_last(&pieces))
}

fn pieces_of<'w>(words: &[&'w str]) -> Option<Vec<Piece<'w>>> {
    let plain = words.iter().any(|w| is_plain_link(w));
    let splits = |word: &&str| if plain { is_plain_link(word) } else { is_link(word) };
    if !words.iter().any(splits) {
        return None;
    }
    let mut pieces: Vec<Piece<'w>> = Vec::new();
    for side in words.split(splits) {
        for part in by_commas(side) {
            let n = if part.is_empty() { 0 } else { civility_words(&part) };
            let piece = Piece { civility: part[..n].join(" "), words: part[n..].to_vec() };
            let plausible = piece.words.iter().all(|w| is_name(w));
            if !plausible || piece.words.is_empty() && piece.civility.is_empty() {
                return None;
            }
            pieces.push(piece);
        }
    }
    (pieces.len() > 1).then_some(pieces)
}

/// The parts of `Jean, Marie`; the name `Dupont, Jean` is one.
fn by_commas<'w>(side: &[&'w str]) -> Vec<Vec<&'w str>> {
    let mut parts: Vec<Vec<&'w str>> = vec![Vec::new()];
    for word in side {
        if let Some(part) = parts.last_mut() {
            part.push(word);
        }
        if word.ends_with(',') {
            parts.push(Vec::new());
        }
    }
    parts.retain(|part| !part.is_empty());
    let persons = parts.iter().all(|part| {
        let bare: Vec<&str> = part.iter().map(|w| w.trim_end_matches(',')).collect();
        bare.iter().all(|w| is_first_name(&text::fold(w)))
            || civility_words(&bare) > 0 && bare.len() > 1
    });
    if parts.len() > 1 && persons {
        parts.iter().map(|part| part.iter().map(|w| w.trim_end_matches(',')).collect()).collect()
    } else {
        vec![side.to_vec()]
    }
}

/// One last name for all: `Jean et Marie Dupont`, `Dupont Jean et Marie`, `M. Jean et Mme Marie Dupont`.
fn shared_last(pieces: &[Piece<'_>], sure: bool) -> Option<Vec<Named>> {
    let (opening, [closing]) = pieces.split_at(pieces.len() - 1) else { return None };
    let [first, rest @ ..] = pieces else { return None };
    // A name alone without a civility is a first name, where only persons stand.
    let lone = |piece: &Piece<'_>| {
        piece.is_given() || sure && piece.civility.is_empty() && piece.words.len() == 1
    };
    let bare = |piece: &Piece<'_>| piece.words.is_empty();
    if opening.iter().all(|p| lone(p) || bare(p)) && closing.words.len() > 1 {
        let (name, last) = after_first(closing);
        return Some(with_last(pieces, &last, |piece, at| {
            if at + 1 == pieces.len() { name.clone() } else { piece.words.join(" ") }
        }));
    }
    if rest.iter().all(|p| lone(p) || bare(p)) && first.words.len() > 1 {
        let (name, last) = before_first(first);
        return Some(with_last(pieces, &last, |piece, at| {
            if at == 0 { name.clone() } else { piece.words.join(" ") }
        }));
    }
    // `M. Dupont et Mme`
    if rest.iter().all(bare) && first.words.len() == 1 && !first.civility.is_empty() {
        return Some(with_last(pieces, first.words[0], |_, _| String::new()));
    }
    None
}

/// First and last name of the last piece: the first name stands beside the link.
fn after_first(piece: &Piece<'_>) -> (String, String) {
    let (first, last) = piece.read();
    let beside = piece.words[0];
    if first.split(' ').next() == Some(beside)
        || is_first_name(&text::fold(&first)) && !is_first_name(&text::fold(beside))
    {
        (first, last)
    } else {
        (beside.to_owned(), piece.words[1..].join(" "))
    }
}

/// First and last name of the first piece.
fn before_first(piece: &Piece<'_>) -> (String, String) {
    let (first, last) = piece.read();
    if is_first_name(&text::fold(&first)) || piece.words.iter().any(|w| w.ends_with(',')) {
        return (first, last);
    }
    let (name, last) = piece
        .words
        .split_last()
        .map_or((String::new(), &[][..]), |(name, last)| ((*name).to_owned(), last));
    (name, last.join(" "))
}

fn with_last(
    pieces: &[Piece<'_>],
    last: &str,
    first: impl Fn(&Piece<'_>, usize) -> String,
) -> Vec<Named> {
    let person = |(at, piece): (usize, &Piece<'_>)| Named {
        civility: piece.civility.clone(),
        first: first(piece, at),
        last: last.to_owned(),
    };
    pieces.iter().enumerate().map(person).collect()
}

/// Each their own last name: `Jean Dupont et Marie Martin`, `M. Dupont et Mme Martin`.
fn own_last(pieces: &[Piece<'_>]) -> Option<Vec<Named>> {
    let person = |piece: &Piece<'_>| -> Option<Named> {
        let (first, last) = match piece.words.as_slice() {
            [] => return None,
            [only] if piece.civility.is_empty() => return None,
            [only] => (String::new(), (*only).to_owned()),
            _ => piece.read(),
        };
        (!last.is_empty()).then(|| Named { civility: piece.civility.clone(), first, last })
    };
    let told = |piece: &Piece<'_>| !piece.civility.is_empty() || piece.has_given();
    if !pieces.iter().all(told) {
        return None;
    }
    pieces.iter().map(person).collect()
}

fn is_name(word: &str) -> bool {
    let folded = text::fold(word);
    !folded.is_empty()
        && (folded.len() > 1 || word.ends_with('.') || word.ends_with('\''))
        && folded.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
        && !LEXICON.firm.contains(&folded)
        && (organisation::legal_form(word).is_none() || civility(word).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_links_none_names_one(
            words in proptest::collection::vec(
                "[A-ZÉ]?[a-zéï]{1,6}|M\\.|Mme|MM\\.|Les|Époux|Mesdames|et|ET|\\(et\\)|y|u\\.|und,|&|-|Dr-Mme|Jean|Marie|Dupont|Jean,",
                1..6,
            ),
            mark in " |  |,|/|\u{a0}",
        ) {
            let cell = words.join(&mark);
            for sure in [false, true] {
                prop_assert_eq!(several(&cell, sure), read_several(&cell, sure));
            }
            prop_assert_eq!(first_names(&cell), read_first_names(&cell));
            prop_assert_eq!(two_civilities(&cell), read_two_civilities(&cell));
        }
    }
}
