//! One cell that holds a whole name, taken apart.

use super::{
    super::{Issue, dictionary::HashSet, organisation, text},
    JOINT_OWNERS, LEXICON, OLD_CIVILITY, ORDER_GUESSED, ORGANISATION, PersonName, SEVERAL_PERSONS,
    TEXT_LEFT_OUT, civility, gender_of, is_first_name, is_joint, may_be_same_first_name,
    part::{is_lower, is_particle, is_upper, normalize, straight},
    several::several,
};

/// A name as written, its words in their places.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub(super) civility: String,
    title: String,
    gender: &'static str,
    pub(super) first: Vec<String>,
    pub(super) last: Vec<String>,
    maiden: Vec<String>,
    suffix: String,
    nickname: String,
    /// Which word is the first name is a guess.
    pub(super) guessed: bool,
    left_out: bool,
    old_civility: bool,
}

type Words = Vec<String>;

/// Splits a name written in one cell.
///
/// Capitals tell the last name (`Jean DUPONT`, `DUPONT Jean`), then a comma, then a list of first names; what
/// remains is taken as first name, last name, and said to be doubtful.
pub fn split(full: &str) -> PersonName {
    let name = named(read(full));
    let name = settled(name, |name| &mut name.last, last_once);
    settled(name, |name| &mut name.first, first_once)
}

/// What a cell of the name of one person holds instead, if anything: several persons, an organisation, an
/// estate.
pub fn doubts(cell: &str) -> Option<Issue> {
    let whole = text::clean(cell);
    if is_joint(&whole) {
        Some(JOINT_OWNERS)
    } else if organisation::looks_like_organisation(&whole) && split(&whole).civility.is_empty() {
        Some(ORGANISATION)
    } else if several(&whole, true).is_some() || whole.contains(['&', '+']) {
        Some(SEVERAL_PERSONS)
    } else {
        None
    }
}

/// A last name cell: civility, last name and name before marriage, each empty when absent.
pub fn split_last(cell: &str) -> PersonName {
    settled(last_once(cell), |name| &mut name.last, last_once)
}

/// A cell of first names: first name and further ones, with the civility and the nickname that stand
/// among them.
pub fn split_first(cell: &str) -> PersonName {
    settled(first_once(cell), |name| &mut name.first, first_once)
}

/// How often what was taken off a name may have hidden more.
const MOST_LAYERS: usize = 6;

/// The name with one of its parts read again until that changes nothing: what is found on the way
/// fills what was empty.
fn settled(
    mut name: PersonName,
    part: fn(&mut PersonName) -> &mut String,
    once: fn(&str) -> PersonName,
) -> PersonName {
    for _ in 0..MOST_LAYERS {
        let written = part(&mut name).clone();
        let mut again = once(&written);
        let read = std::mem::take(part(&mut again));
        if read == written || read.is_empty() {
            break;
        }
        *part(&mut name) = read;
        for (own, more) in [
            (&mut name.civility, again.civility),
            (&mut name.title, again.title),
            (&mut name.middle, again.middle),
            (&mut name.maiden, again.maiden),
            (&mut name.suffix, again.suffix),
            (&mut name.nickname, again.nickname),
        ] {
            if own.is_empty() {
                *own = more;
            }
        }
    }
    name
}

fn last_once(cell: &str) -> PersonName {
    let mut written = Written::default();
    let outside = without_notes(&straight(cell), &mut written);
    let mut words = words_of(&outside.replace(',', " "));
    without_titles(&mut words, &mut written);
    without_suffix(&mut words, &mut written);
    match around_other_name(&words) {
        Some((before, Other::Birth, after)) => (written.last, written.maiden) = (before, after),
        Some((before, Other::Usage, after)) => (written.maiden, written.last) = (before, after),
        None => written.last = words,
    }
    let mut name = named(written);
    name.first.clear();
    if name.last.is_empty() {
        name.last = normalize(cell);
    }
    name
}

fn first_once(cell: &str) -> PersonName {
    let mut written = Written::default();
    let outside = without_notes(&straight(cell), &mut written);
    let mut words = words_of(&outside);
    // One letter is an initial here: `M. Louis`.
    let initial = words.first().is_none_or(|w| w.chars().filter(|c| c.is_alphabetic()).count() < 2);
    if words.len() > 1 && !initial && !outside.contains(',') {
        without_titles(&mut words, &mut written);
        written.first = words;
    } else {
        written.first = vec![outside];
    }
    let mut name = named(written);
    if name.first.is_empty() {
        (name.first, name.middle) = first_and_middle(cell);
    }
    name
}

/// The civility and titles that a cell is made of: `Frau Dr.`, `Dr.-Ing.`; none where anything else
/// stands in it.
pub fn form_of_address(cell: &str) -> Option<PersonName> {
    let mut written = Written::default();
    let mut words = words_of(&straight(cell));
    // A title is told by the name that follows: this stands for one.
    let name = ["Jean".to_owned(), "Dupont".to_owned()];
    words.extend(name.clone());
    without_titles(&mut words, &mut written);
    (words == name).then(|| named(written))
}

/// A first name cell as first name and further ones: `Jean Pierre` is one, `Marie, Louise` is two.
pub fn first_and_middle(cell: &str) -> (String, String) {
    let whole = normalize(cell);
    let (head, tail) = whole
        .split_once(',')
        .map_or((whole.as_str(), ""), |(head, tail)| (head.trim(), tail.trim()));
    let words = joined_given_names(words_of(head));
    let listed = |words: &[String]| {
        words
            .iter()
            .all(|w| is_given(&text::fold(w)) || w.trim_end_matches('.').chars().count() == 1)
    };
    let (first, others) = match words.as_slice() {
        [a, b, rest @ ..] if is_compound(&text::fold(a), &text::fold(b)) => {
            (format!("{a}-{b}"), rest.to_vec())
        }
        [a, b, rest @ ..] if is_spaced_compound(&text::fold(a), &text::fold(b)) => {
            (format!("{a} {b}"), rest.to_vec())
        }
        [a, rest @ ..] if listed(rest) => (a.clone(), rest.to_vec()),
        _ => (head.to_owned(), Vec::new()),
    };
    let mut middle = others;
    if !tail.is_empty() {
        middle.push(tail.to_owned());
    }
    (normalize(&first), normalize(&middle.join(" ")))
}

fn named(written: Written) -> PersonName {
    let (first, middle) = first_and_middle(&written.first.join(" "));
    let mut issues = Vec::new();
    let told = [
        (written.guessed, ORDER_GUESSED),
        (written.left_out, TEXT_LEFT_OUT),
        (written.old_civility, OLD_CIVILITY),
    ];
    issues.extend(told.into_iter().filter(|(is, _)| *is).map(|(_, issue)| issue));
    PersonName {
        gender_hidden: !written.gender.is_empty() && gender_of(&written.civility).is_none(),
        civility: written.civility,
        title: written.title,
        gender: written.gender.to_owned(),
        first,
        middle,
        last: normalize(&written.last.join(" ")),
        maiden: normalize(&written.maiden.join(" ")),
        suffix: written.suffix,
        nickname: normalize(&written.nickname),
        issues,
    }
}

fn words_of(text: &str) -> Words {
    text.split(' ').filter(|w| w.chars().any(char::is_alphanumeric)).map(str::to_owned).collect()
}

/// Reads a cell into the places of its words.
pub(super) fn read(full: &str) -> Written {
    let mut written = Written::default();
    let outside = without_notes(&straight(full).replace("(e)", "e"), &mut written);
    // `Martin - Durand` is one name.
    let outside = joined_by_dash(&outside, &mut written);
    let mut segments: Vec<Words> = Vec::new();
    for segment in outside.split(',') {
        let mut words = words_of(segment);
        // `Anna Weber, geb. Schmidt`
        if let Some(before) = segments.last_mut()
            && (opens_with(&LEXICON.birth, &words).is_some()
                || opens_with(&LEXICON.usage, &words).is_some())
        {
            before.append(&mut words);
            continue;
        }
        if !segments.is_empty() && is_suffix_alone(&words) {
            written.suffix = LEXICON.behind[&text::fold(&words.join(" "))].clone();
            continue;
        }
        without_titles(&mut words, &mut written);
        without_suffix(&mut words, &mut written);
        without_nickname(&mut words, &mut written);
        if !words.is_empty() {
            segments.push(words);
        }
    }
    let mut segments = segments.into_iter();
    match (segments.next(), segments.next()) {
        (None, _) => {}
        (Some(words), None) => {
            let words = joined_given_names(words);
            match around_other_name(&words) {
                Some((before, other, after)) => arrange_two(&mut written, before, other, after),
                None => arrange(&mut written, words),
            }
        }
        (Some(family), Some(given)) => {
            let further: Vec<String> =
                segments.map(|words| format!(", {}", words.join(" "))).collect();
            arrange_by_comma(&mut written, family, given);
            written.first.extend(further);
        }
    }
    written
}

fn is_suffix_alone(words: &[String]) -> bool {
    !words.is_empty() && LEXICON.behind.contains_key(&text::fold(&words.join(" ")))
}

/// The text with ` - ` between two words of one case as a hyphen. Elsewhere it parts last and first name,
/// or stands before what is no name: `Jean DUPONT - Directeur`.
fn joined_by_dash(text: &str, written: &mut Written) -> String {
    let mut pieces = text.split(" - ");
    let mut joined = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let left = joined.rsplit(' ').next().unwrap_or_default();
        let right = piece.split(' ').next().unwrap_or_default();
        let mark = if is_upper(left) == is_upper(right) { "-" } else { " " };
        if mark == " " && joined.contains(' ') && !is_upper(&joined) {
            written.left_out = true;
            break;
        }
        joined = [joined.as_str(), mark, piece].concat();
    }
    joined
}

/// The text outside parentheses and quotation marks; what stands inside is read for what it says.
fn without_notes(text: &str, written: &mut Written) -> String {
    let mut outside = String::with_capacity(text.len());
    let mut notes: Vec<(String, bool)> = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['(', '[', '"']) {
        outside.push_str(&rest[..open]);
        outside.push(' ');
        let close = match rest.as_bytes()[open] {
            b'(' => ')',
            b'[' => ']',
            _ => '"',
        };
        let after = &rest[open + 1..];
        let end = after.find(close).unwrap_or(after.len());
        notes.push((text::clean(&after[..end]), close == '"'));
        rest = after.get(end + 1..).unwrap_or("");
    }
    outside.push_str(rest);
    let outside = text::clean(&outside);
    let (outside, single) = without_single_quotes(&outside);
    notes.extend(single.into_iter().map(|note| (note, true)));
    if outside.is_empty() {
        // All of it in quotation marks.
        return notes.into_iter().map(|(note, _)| note).collect::<Vec<_>>().join(" ");
    }
    let mut before = String::new();
    for (note, quoted) in notes {
        read_note(&note, quoted, &outside, written, &mut before);
    }
    format!("{before}{outside}")
}

/// `Robert 'Bob' Durand` without its second word.
fn without_single_quotes(text: &str) -> (String, Vec<String>) {
    let mut notes = Vec::new();
    let quoted = |word: &&str| word.len() > 4 && word.starts_with('\'') && word.ends_with('\'');
    let kept: Vec<&str> = text
        .split(' ')
        .filter(|word| {
            if quoted(word) {
                notes.push(word.trim_matches('\'').to_owned());
            }
            !quoted(word)
        })
        .collect();
    (kept.join(" "), notes)
}

fn read_note(note: &str, quoted: bool, outside: &str, written: &mut Written, before: &mut String) {
    let folded = text::fold(note);
    let words = words_of(note);
    if words.is_empty() {
        return;
    }
    if let Some(canonical) = civility(note) {
        take_civility(written, note, canonical);
    } else if let Some(suffix) = LEXICON.behind.get(&folded) {
        written.suffix.clone_from(suffix);
    } else if let Some(n) = opens_with(&LEXICON.birth, &words).filter(|&n| n < words.len()) {
        written.maiden = words[n..].to_vec();
    } else if words.iter().all(|w| is_particle(&text::fold(w))) {
        // `LA TOUR (de) Anne`
        *before = format!("{note} ");
    } else if words.len() <= 2 && (quoted || is_short_name(&folded, outside)) {
        written.nickname = note.to_owned();
    } else {
        written.left_out = true;
    }
}

/// Whether the folded note is another first name of somebody called `outside`.
fn is_short_name(folded: &str, outside: &str) -> bool {
    let outside = text::fold(outside);
    let stands_for = outside.split(' ').any(|word| may_be_same_first_name(folded, word));
    stands_for || !super::nicknames_of(folded).is_empty()
}

/// How many words at the start make a phrase of the set: the longest.
fn opens_with(set: &HashSet<String>, words: &[String]) -> Option<usize> {
    (1..=MOST_CIVILITY_WORDS.min(words.len())).rev().find(|&n| {
        let phrase = text::fold(&words[..n].join(" "));
        // `ne` is a first name in Asia, `né` is not.
        set.contains(&phrase) && (phrase != "ne" || !words[0].is_ascii())
    })
}

fn take_civility(written: &mut Written, as_written: &str, canonical: &'static str) {
    let found = &mut written.civility;
    if found.is_empty() || *found == "M." || *found == "Mme" && canonical != "M." {
        canonical.clone_into(found);
    }
    if written.gender.is_empty() {
        written.gender = gender_of(as_written).unwrap_or("");
    }
    written.old_civility |= LEXICON.old_civilities.contains(&text::fold(as_written));
}

/// The most words of a civility, a title or a phrase like `nom de jeune fille`.
const MOST_CIVILITY_WORDS: usize = 4;

/// Takes civilities and titles off the start (`M. le Dr Dupont`) and civilities off the end.
fn without_titles(words: &mut Words, written: &mut Written) {
    unglue(words);
    loop {
        // The longest first: `M. le Docteur` before `M.`.
        let most = MOST_CIVILITY_WORDS.min(words.len());
        let taken = (1..=most).rev().find(|&n| takes_title(&words[..], n, written));
        let Some(n) = taken else { break };
        words.drain(..n);
    }
    if words.len() < 2 {
        return;
    }
    let last = &words[words.len() - 1];
    // At the end `M.` and `Me` may be anything else.
    let long = last.trim_end_matches('.').chars().count() > 2 || text::fold(last) == "mr";
    if let Some(canonical) = civility(last).filter(|_| long) {
        if written.civility.is_empty() {
            take_civility(written, &last.clone(), canonical);
        }
        words.pop();
    }
}

/// `M.Dupont` as two words.
fn unglue(words: &mut Words) {
    let Some(first) = words.first() else { return };
    let Some((head, tail)) = first.split_once('.') else { return };
    let is_word = tail.chars().filter(|c| c.is_alphabetic()).count() > 2 && !tail.contains('.');
    if is_word && civility(head).is_some() {
        let (head, tail) = (format!("{head}."), tail.to_owned());
        words.splice(..1, [head, tail]);
    }
}

/// Whether the first `n` words are a civility or title, which is then written down.
fn takes_title(words: &[String], n: usize, written: &mut Written) -> bool {
    let phrase = words[..n].join(" ");
    let rest = &words[n..];
    // `Dr.in` is a woman, `Dr in 't Veld` somebody called so.
    if n > 1 && words[n - 1] == "in" {
        return false;
    }
    if let Some(canonical) = civility(&phrase) {
        // A short word alone is a name: `Me`, `Fr`.
        let is_it = !rest.is_empty() || n > 1 || words[0].len() > 2;
        if is_it {
            take_civility(written, &phrase, canonical);
        }
        return is_it;
    }
    let folded = text::fold(&phrase);
    let after_civility = !written.civility.is_empty();
    if let Some(title) = LEXICON.titles.get(&folded) {
        let dotted = phrase.contains('.');
        let is_it = rest.len() > 1
            && (dotted || after_civility || is_given(&text::fold(&rest[0])) || n > 1)
            || rest.len() == 1 && (dotted || after_civility);
        if is_it {
            take_title(written, title, &folded);
        }
        return is_it;
    }
    // `D. Juan García` is Don Juan, `D García` an initial.
    let named = rest.len() > 1 && is_given(&text::fold(&rest[0]));
    if folded == "d" && named && (after_civility || phrase.ends_with('.')) {
        take_title(written, "Don", &folded);
        return true;
    }
    let (article, noble) = match folded.split_once(' ') {
        Some(("le" | "la" | "l", noble)) => (true, noble),
        None => (false, folded.as_str()),
        _ => return false,
    };
    let Some(title) = LEXICON.nobility.get(noble) else { return false };
    let of_somewhere = rest
        .first()
        .is_some_and(|w| is_particle(&text::fold(w)) || w.starts_with("d'") || w.starts_with("D'"));
    let addressed = matches!(noble, "lord" | "lady" | "jhr" | "jonkheer" | "jkvr")
        || noble == "dame" && rest.len() > 1;
    let is_it = !rest.is_empty()
        && (article
            || after_civility && of_somewhere
            || of_somewhere && rest.len() > 1
            || addressed);
    if is_it {
        take_title(written, title, noble);
    }
    is_it
}

fn take_title(written: &mut Written, title: &str, folded: &str) {
    if !written.title.contains(title) {
        if !written.title.is_empty() {
            written.title.push(' ');
        }
        written.title.push_str(title);
    }
    if written.gender.is_empty() {
        written.gender = gender_of(folded).unwrap_or("");
    }
}

/// Takes `Jr`, `III`, `fils`, `PhD` off the end.
fn without_suffix(words: &mut Words, written: &mut Written) {
    while let [before @ .., last] = words.as_slice() {
        let folded = text::fold(last);
        let Some(suffix) = LEXICON.behind.get(&folded) else { return };
        let dotted = last.contains('.');
        let marked = dotted || is_upper(last);
        let is_it = !before.is_empty()
            && match folded.as_str() {
                "fils" | "pere" => is_lower(last) || before.len() > 1,
                "aine" | "l aine" | "cadet" | "le jeune" => is_lower(last) && before.len() > 1,
                "junior" | "senior" | "hijo" | "figlio" => before.len() > 1,
                "jun" | "sen" | "jnr" | "snr" => dotted,
                "ii" | "iii" | "iv" => is_upper(last),
                "phd" | "ph d" | "esq" | "jr" | "sr" => true,
                _ => marked && before.len() > 1,
            };
        if !is_it {
            return;
        }
        if written.suffix.is_empty() {
            written.suffix.clone_from(suffix);
        } else if written.suffix != *suffix {
            written.suffix = format!("{suffix} {}", written.suffix);
        }
        words.pop();
    }
}

/// `Jean Dupont dit Jeannot` without the nickname. `Dubois dit Lafleur` is a last name.
fn without_nickname(words: &mut Words, written: &mut Written) {
    let at = (2..words.len()).find(|&at| opens_with(&LEXICON.nickname, &words[at..]).is_some());
    let Some(at) = at else { return };
    let n = opens_with(&LEXICON.nickname, &words[at..]).unwrap_or(1);
    if at + n + 1 == words.len() {
        written.nickname = words[at + n..].join(" ");
        words.truncate(at);
    }
}

/// Which other name follows a word like `née` or `épouse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    Birth,
    Usage,
}

/// What stands before and after `née` or `épouse`.
fn around_other_name(words: &[String]) -> Option<(Words, Other, Words)> {
    (1..words.len()).find_map(|at| {
        let tail = &words[at..];
        let (n, other) = match opens_with(&LEXICON.birth, tail) {
            Some(n) => (n, Other::Birth),
            None => (opens_with(&LEXICON.usage, tail)?, Other::Usage),
        };
        let after = tail[n..].to_vec();
        (!after.is_empty()).then(|| (words[..at].to_vec(), other, after))
    })
}

/// Gives the names around `née` or `épouse` to their places; the first name stands on either side.
fn arrange_two(written: &mut Written, before: Words, other: Other, after: Words) {
    let (first_before, name_before, guessed) = side(before);
    let (first_after, name_after, _) = side(after);
    written.guessed = guessed && first_after.is_empty();
    written.first = if first_before.is_empty() { first_after } else { first_before };
    (written.last, written.maiden) = match other {
        Other::Birth => (name_before, name_after),
        Other::Usage => (name_after, name_before),
    };
}

/// First and last name of one side of `née`, and whether they are a guess.
fn side(words: Words) -> (Words, Words, bool) {
    match words.as_slice() {
        [only]
            if is_first_name(&text::fold(only))
                && !LEXICON.also_last_names.contains(&text::fold(only)) =>
        {
            (words, Vec::new(), false)
        }
        _ if is_last_alone(&words) => (Vec::new(), words, false),
        _ => {
            let (first, last, guessed) = arranged(&words);
            let known = is_given(&text::fold(&first.join(" ")));
            if guessed && !known { (Vec::new(), words, false) } else { (first, last, guessed) }
        }
    }
}

/// `Dupont, Jean`, with `née` on either side and a particle left behind: `Berg, Jan van der`.
fn arrange_by_comma(written: &mut Written, family: Words, given: Words) {
    let mut family = family;
    let mut given = given;
    let mut usage: Option<(Other, Words)> = None;
    if let Some((before, other, after)) = around_other_name(&family) {
        (family, usage) = (before, Some((other, after)));
    } else if let Some((before, other, after)) = around_other_name(&given) {
        (given, usage) = (before, Some((other, after)));
    }
    family = with_stray_particles(&mut given, family);
    match usage {
        Some((Other::Birth, name)) => (written.last, written.maiden) = (family, name),
        Some((Other::Usage, name)) => (written.last, written.maiden) = (name, family),
        None => written.last = family,
    }
    written.first = given;
}

/// The last name with the particles that end the first names: `Charles de` gives its `de` back.
fn with_stray_particles(given: &mut Words, family: Words) -> Words {
    let stray = given.iter().rev().take_while(|w| {
        let folded = text::fold(w);
        is_particle(&folded) && folded.len() > 1
            || matches!(w.as_str(), "d'" | "D'" | "'t")
            || LEXICON.openers.contains(&folded) && is_lower(w)
    });
    let stray = stray.count();
    if stray == 0 || stray == given.len() {
        return family;
    }
    let mut particles = given.split_off(given.len() - stray);
    particles.extend(family);
    particles
}

/// Gives the words of a name to first and last name.
fn arrange(written: &mut Written, words: Words) {
    match words.as_slice() {
        [] => {}
        [only] => {
            written.guessed = written.civility.is_empty() && is_first_name(&text::fold(only));
            written.last = words;
        }
        _ if is_last_alone(&words) => written.last = words,
        _ => {
            (written.first, written.last, written.guessed) = arranged(&words);
            // `Comte Henri de Brissac`: a title, or somebody called Comte.
            let opening = words.first().map(|w| text::fold(w));
            written.guessed |= opening.is_some_and(|w| LEXICON.nobility.contains_key(&w));
        }
    }
}

/// Whether the words are particles and one name: `de La Tour`, `van der Berg`.
fn is_last_alone(words: &[String]) -> bool {
    let opens = words.iter().take_while(|w| {
        let folded = text::fold(w);
        let particle = is_particle(&folded) && (folded.len() > 1 || w.contains('\''));
        particle || LEXICON.openers.contains(&folded) && !is_first_name(&folded)
    });
    opens.count() + 1 == words.len()
}

/// First and last name of two or more words, and whether that is a guess.
fn arranged(words: &[String]) -> (Words, Words, bool) {
    if let [last, middle, _, ..] = words
        && LEXICON.vietnamese_middle.contains(&text::fold(middle))
        && LEXICON.vietnamese.contains(&text::fold(last))
    {
        return (words[1..].to_vec(), words[..1].to_vec(), false);
    }
    if let Some((mut first, last)) = by_capitals(words) {
        let last = with_stray_particles(&mut first, last);
        return (first, last, false);
    }
    let (cut, last_is_before, guessed) = by_list(words);
    let (before, after) = words.split_at(cut);
    if last_is_before {
        // `Saint-Exupéry Antoine de`
        let mut first = after.to_vec();
        let last = with_stray_particles(&mut first, before.to_vec());
        return (first, last, guessed);
    }
    (before.to_vec(), after.to_vec(), guessed)
}

/// First and last name where only the last is in capitals.
fn by_capitals(words: &[String]) -> Option<(Words, Words)> {
    let capitals = |word: &str| {
        is_upper(word)
            && word.chars().filter(|c| c.is_alphabetic()).count() > 1
            && !word.contains('.')
    };
    let soft =
        |word: &str| is_particle(&text::fold(word)) || word.contains('\'') && word.len() <= 2;
    let start = words.iter().position(|w| capitals(w))?;
    let end = words.len() - words.iter().rev().position(|w| capitals(w))?;
    if !words[start..end].iter().all(|w| capitals(w) || soft(w)) {
        return None;
    }
    // `JP Martin`: two letters before a name are initials.
    if end - start == 1 && start == 0 && words[0].chars().count() <= 2 && !soft(&words[0]) {
        return None;
    }
    let mut start = start;
    while start > 0 && soft(&words[start - 1]) {
        start -= 1;
    }
    // `Le GOFF Hélène`, but `Ben MARTIN`.
    let others_remain = words.len() - (end - start) > 1;
    if start > 0 && others_remain && LEXICON.openers.contains(&text::fold(&words[start - 1])) {
        start -= 1;
    }
    let others: Words = words[..start].iter().chain(&words[end..]).cloned().collect();
    (!others.is_empty()).then(|| (others, words[start..end].to_vec()))
}

/// Where to cut a name, whether the last name stands first, and whether that is doubtful: by the list of
/// first names.
fn by_list(words: &[String]) -> (usize, bool, bool) {
    let all_capitals = words.iter().all(|w| is_upper(w));
    let folded: Vec<String> = words.iter().map(|w| text::fold(w)).collect();
    let score = |cut: usize, last_is_before: bool| {
        let (first, last) =
            if last_is_before { (cut..words.len(), 0..cut) } else { (0..cut, cut..words.len()) };
        first_score(&folded[first.clone()], &words[first]) + last_score(&folded[last])
    };
    let ways: Vec<(i32, usize, bool)> = [all_capitals, !all_capitals]
        .into_iter()
        .flat_map(|order| (1..words.len()).map(move |cut| (cut, order)))
        .map(|(cut, order)| (score(cut, order), cut, order))
        .collect();
    // Of equals the first: the order that is usual in this case of letters, the shortest first part.
    let best = ways.iter().copied().reduce(|a, b| if b.0 > a.0 { b } else { a });
    let (top, cut, order) = best.unwrap_or((0, 1, all_capitals));
    let near = ways
        .iter()
        .any(|&(s, c, o)| (o != order && top - s <= 1) || (o == order && c != cut && s == top));
    let initials = words.iter().any(|w| is_initials(w));
    (cut, order, near && !initials)
}

fn first_score(folded: &[String], words: &[String]) -> i32 {
    let each = folded.iter().zip(words).enumerate().map(|(at, (folded, word))| {
        if is_particle(folded) || word.starts_with("d'") || word.starts_with("D'") {
            -6
        } else if at > 0 && LEXICON.openers.contains(folded) {
            -3
        } else if is_given(folded) {
            // A second word is a compound (`Jean Pierre`) or the start of the last name (`Paul Martin`).
            let head = text::fold(&words[0]);
            let compound =
                at == 1 && (is_compound(&head, folded) || is_spaced_compound(&head, folded));
            let listed =
                if folded.split(' ').all(|w| LEXICON.also_last_names.contains(w)) { 2 } else { 4 };
            if at > 0 && !compound && listed == 2 { 0 } else { listed }
        } else if is_initials(word) {
            3
        } else {
            -2
        }
    });
    each.sum()
}

/// `J.`, `JP`: one or two capitals.
fn is_initials(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let dotted = letters <= 4 && word.matches('.').count() == letters;
    (letters <= 2 || dotted) && is_upper(word) && !is_particle(&text::fold(word))
}

fn last_score(folded: &[String]) -> i32 {
    let opens = folded.first().is_some_and(|w| {
        is_particle(w)
            || LEXICON.openers.contains(w)
            || folded.len() > 1 && LEXICON.noble_names.contains(w)
    });
    let dangling = folded.last().is_some_and(|w| {
        is_particle(w)
            || folded.len() > 1 && w.len() == 1
            || LEXICON.noble_names.contains(w) && folded.len() > 1
    });
    let each = folded.iter().enumerate().map(|(at, word)| match is_given(word) {
        true if at == 0 && folded.len() > 1 && LEXICON.openers.contains(word) => 0,
        true if LEXICON.also_last_names.contains(word) => 0,
        true => -2,
        false if word.len() == 1 => -2,
        false => 1,
    });
    each.sum::<i32>() + if opens { 2 } else { 0 } - if dangling { 9 } else { 0 }
}

/// Whether two folded first names make a compound one: `jean`, `pierre`.
pub(super) fn is_compound(first: &str, second: &str) -> bool {
    LEXICON.before_men.contains(first) && LEXICON.men.contains(second)
        || LEXICON.before_men.contains(first) && first == "jean" && second == "marie"
        || LEXICON.before_women.contains(first)
            && (LEXICON.women.contains(second) || second == "jose")
}

/// Whether two folded first names make a compound one that has no hyphen: `juan`, `carlos`.
pub(super) fn is_spaced_compound(first: &str, second: &str) -> bool {
    LEXICON.spaced.get(first).is_some_and(|seconds| seconds.contains(second))
}

/// Stands between the words of a first name that are one: `María del Carmen`.
const WITHIN: &str = "\u{a0}";

/// The words with first names that have a particle within made one: `María de los Ángeles`.
fn joined_given_names(words: Words) -> Words {
    let folded: Vec<String> = words.iter().map(|w| text::fold(w)).collect();
    let mut joined: Words = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let article = |w: &String| matches!(w.as_str(), "de" | "del" | "la" | "los" | "las");
        let particles = folded[at + 1..].iter().take_while(|w| article(w)).count();
        let end = at + 1 + particles;
        if let Some(length) = together(&words[at..], &folded[at..]) {
            joined.push(words[at..at + length].join(WITHIN));
            at += length;
            continue;
        }
        let is_name = particles > 0
            && end < words.len()
            && LEXICON
                .spaced
                .get(&folded[at])
                .is_some_and(|seconds| seconds.contains(&format!("de {}", folded[end])));
        if is_name {
            joined.push(words[at..=end].join(WITHIN));
            at = end + 1;
        } else {
            joined.push(words[at].clone());
            at += 1;
        }
    }
    joined
}

/// How many of the words are one name whatever follows: `Abd El Kader`, `Mc Gregor`, `Jansen-de Boer`.
fn together(words: &[String], folded: &[String]) -> Option<usize> {
    const ARTICLES: [&str; 9] = ["el", "al", "ar", "as", "at", "en", "er", "es", "ul"];
    let follows = |at: usize| folded.get(at).is_some_and(|w| w.chars().count() > 2);
    let opens = words[0].rsplit_once('-').is_some_and(|(before, end)| {
        before.chars().count() > 2 && is_lower(end) && is_particle(&text::fold(end))
    });
    match folded[0].as_str() {
        "abd" if folded.get(1).is_some_and(|w| ARTICLES.contains(&w.as_str())) && follows(2) => {
            Some(3)
        }
        "mc" if follows(1) => Some(2),
        _ if opens && follows(1) => Some(2),
        _ => None,
    }
}

/// Whether the folded word is a first name, alone or with a particle within.
fn is_given(folded: &str) -> bool {
    is_first_name(folded)
        || folded.starts_with("abd ")
        || folded.contains(' ')
            && folded.split(' ').next().is_some_and(is_first_name)
            && folded.split(' ').skip(1).any(is_particle)
}
