//! Who belongs to whom: persons to organisations, establishments to legal units, couples to homes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

use crate::{
    table::{Couple, GoldenLink, Kind, Link, OrganisationLink, Records},
    value::{dictionary, organisation, text},
};

use super::{
    identity::{Entities, Entity},
    key::KeyIndex,
    survivorship::{Standings, by_standing},
};

/// The role of whom a row names beside its own person.
const CONTACT: &str = "contact";

/// Persons in organisations, one line for each pair of golden records, sorted.
///
/// The role is what the latest row says: the job title there, by its common value, or `contact`. A person is currently where it was
/// seen last: of several organisations those with the latest date are current and the others former;
/// where dates are missing nothing is claimed.
pub(crate) fn links(
    entities: &Entities,
    links: &[Link],
    records: &Records,
    standings: &Standings<'_>,
) -> Vec<GoldenLink> {
    let mut seen: BTreeMap<(u32, u32), Vec<&Link>> = BTreeMap::new();
    for link in links {
        let person = entities.of_record[link.person as usize];
        let organisation = entities.of_record[link.organisation as usize];
        let kinds = [person, organisation].map(|at| entities.list[at as usize].kind);
        if kinds == [Kind::Person, Kind::Organisation] {
            seen.entry((person, organisation)).or_default().push(link);
        }
    }
    let date = |link: &Link| {
        let dates = [link.person, link.organisation].map(|r| standings[r as usize].date);
        if dates[0].is_empty() { dates[1] } else { dates[0] }
    };
    // For each person the latest date of each of its organisations.
    let mut last_seen: HashMap<u32, Vec<&str>> = HashMap::new();
    for ((person, _), links) in &seen {
        let last = links.iter().map(|l| date(l)).max().unwrap_or_default();
        last_seen.entry(*person).or_default().push(last);
    }
    let mut golden: Vec<GoldenLink> = Vec::with_capacity(seen.len());
    for ((person, organisation), mut links) in seen {
        links.sort_by(|a, b| {
            (date(b).cmp(date(a)))
                .then_with(|| by_standing(standings, a.person, b.person))
                .then_with(|| (a.organisation, &a.role).cmp(&(b.organisation, &b.role)))
        });
        let role = links.iter().find_map(|l| match l.role.as_str() {
            CONTACT => Some(CONTACT),
            // The row's own title, by its common value as the person's is.
            role => records
                .first("job_title", l.person as usize)
                .or_else(|| Some(role).filter(|role| !role.is_empty())),
        });
        let dates = || links.iter().map(|l| date(l)).filter(|d| !d.is_empty());
        let last = dates().max().unwrap_or_default();
        let all = &last_seen[&person];
        let latest = all.iter().max().copied().unwrap_or_default();
        let current = match last {
            "" => None,
            _ if last < latest => Some(false),
            // Another organisation without a date may be the later one.
            _ if all.contains(&"") => None,
            _ => Some(true),
        };
        golden.push(GoldenLink {
            person_id: entities.list[person as usize].id.clone(),
            organisation_id: entities.list[organisation as usize].id.clone(),
            role: role.unwrap_or_default().to_owned(),
            current,
            since: day(dates().min().unwrap_or_default()).to_owned(),
            until: if current == Some(false) { day(last).to_owned() } else { String::new() },
        });
    }
    golden.sort_unstable();
    golden
}

/// A date without its time.
fn day(date: &str) -> &str {
    date.get(..10).unwrap_or(date)
}

/// Households of the golden persons that rows name as couples: household id, golden id; sorted.
///
/// The id is `H` and the smallest golden id of the home.
pub(crate) fn households(entities: &Entities, couples: &[Couple]) -> Vec<(String, String)> {
    let mut homes: BTreeMap<u32, u32> = BTreeMap::new();
    fn head(homes: &BTreeMap<u32, u32>, mut person: u32) -> u32 {
        while let Some(&next) = homes.get(&person).filter(|&&next| next != person) {
            person = next;
        }
        person
    }
    for couple in couples {
        let [a, b] = [couple.first, couple.second].map(|r| entities.of_record[r as usize]);
        let persons = [a, b].map(|at| entities.list[at as usize].kind);
        if a != b && persons == [Kind::Person, Kind::Person] {
            let (x, y) = (head(&homes, a), head(&homes, b));
            homes.entry(a).or_insert(x);
            homes.entry(b).or_insert(y);
            // The smaller position has the smaller golden id.
            homes.insert(x.max(y), x.min(y));
            homes.insert(x.min(y), x.min(y));
        }
    }
    let id = |at: u32| entities.list[at as usize].id.as_str();
    let mut households: Vec<(String, String)> = homes
        .keys()
        .map(|&at| (format!("H{}", &id(head(&homes, at))[1..]), id(at).to_owned()))
        .collect();
    households.sort_unstable();
    households
}

/// What is known of a golden organisation's legal numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LegalNumbers<'a> {
    pub(crate) siren: &'a str,
    pub(crate) siret: &'a str,
}

impl LegalNumbers<'_> {
    /// `establishment` when a SIRET is known, `legal_unit` when a SIREN alone is, else empty: an
    /// organisation without a legal number is not said to be either.
    pub(crate) fn level(&self) -> &'static str {
        match (self.siret, self.siren) {
            ("", "") => "",
            ("", _) => "legal_unit",
            _ => "establishment",
        }
    }
}

/// For each golden organisation of `entities` with the SIREN of others its parent, by position.
///
/// The parent is the golden record of the legal unit itself (a SIREN and no SIRET), else the one with
/// most records (the customer that the company knows best), else the oldest establishment (the smallest
/// SIRET). A SIREN that stands on unrelated names is a slip (the seller's own number, say): then only
/// those that share a word with the parent's name are its children.
pub(crate) fn parents(
    entities: &Entities,
    numbers: &[LegalNumbers<'_>],
    names: &[Vec<String>],
) -> BTreeMap<u32, u32> {
    let mut units: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (at, number) in (0u32..).zip(numbers) {
        let organisation = entities.list[at as usize].kind == Kind::Organisation;
        if organisation && !number.siren.is_empty() {
            units.entry(number.siren).or_default().push(at);
        }
    }
    let mut parents = BTreeMap::new();
    for unit in units.into_values().filter(|unit| unit.len() > 1) {
        let head = unit.iter().copied().min_by_key(|&at| {
            let records = entities.list[at as usize].members.len();
            let siret = numbers[at as usize].siret;
            (!siret.is_empty(), std::cmp::Reverse(records), siret, at)
        });
        let Some(head) = head else { continue };
        let (akin, strangers): (Vec<u32>, Vec<u32>) = unit
            .into_iter()
            .filter(|&at| at != head)
            .partition(|&at| share_a_word(&names[at as usize], &names[head as usize]));
        let trusted = strangers.len() < 2 || strangers.len() <= akin.len();
        parents.extend(akin.into_iter().map(|at| (at, head)));
        if trusted {
            parents.extend(strangers.into_iter().map(|at| (at, head)));
        }
    }
    parents
}

/// Whether two lists of name words, each sorted, have a word in common; a list of none disagrees with nobody.
pub(crate) fn share_a_word(a: &[String], b: &[String]) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|word| b.binary_search(word).is_ok())
}

/// The words by which a golden record is called in any of its records, sorted: names of organisations
/// and of persons, and the company beside a person.
pub(crate) fn name_words(entity: &Entity, records: &Records) -> Vec<String> {
    let mut words = BTreeSet::new();
    for &record in &entity.members {
        for attribute in ["name", "alias", "company"] {
            for name in records.values(attribute, record as usize) {
                words.extend(organisation::words(name));
            }
        }
        for attribute in ["first_name", "last_name", "maiden_name", "full_name", "nickname"] {
            for name in records.values(attribute, record as usize) {
                words.extend(text::fold(name).split(' ').map(str::to_owned));
            }
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

/// Establishments of their parents, customers billed to another one, and what notes tell of two organisations; sorted.
///
/// Who pays is written as a code of the same key space, or as a name that one customer of the same
/// key space has. `rows` are the persons and organisations of one row: a note on it may stand with either.
pub(crate) fn organisation_links(
    entities: &Entities,
    parents: &BTreeMap<u32, u32>,
    (raw, clean): (&Records, &Records),
    rows: &[Link],
    index: &KeyIndex<'_>,
) -> Vec<OrganisationLink> {
    let link = |child: u32, parent: u32, link_type: &str| OrganisationLink {
        child_id: entities.list[child as usize].id.clone(),
        parent_id: entities.list[parent as usize].id.clone(),
        link_type: link_type.to_owned(),
    };
    let mut links: Vec<OrganisationLink> =
        parents.iter().map(|(&child, &parent)| link(child, parent, "establishment_of")).collect();
    for record in 0..raw.len() as u32 {
        let child = entities.of_record[record as usize];
        if entities.list[child as usize].kind != Kind::Organisation {
            continue;
        }
        for payer in raw.values("parent", record as usize) {
            let parent = index.payer(payer, raw.place_of(record as usize));
            if let Some(parent) = parent.filter(|&p| p != child) {
                links.push(link(child, parent, "billed_to"));
            }
        }
    }
    let told = told_by_notes(entities, clean, rows);
    links.extend(told.into_iter().map(|(child, parent, what)| link(child, parent, what)));
    links.sort_unstable();
    links.dedup();
    links
}

/// The phrases by which notes speak of another organisation, by type of link.
static PHRASES: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    dictionary::read(include_str!("../../mappings/dictionaries/organisation_links.toml"))
});

/// Words of a name behind a phrase at most.
const LONGEST_NAME: usize = 8;
/// Letters of a name at least: less is a word of the sentence.
const SHORTEST_NAME: usize = 4;

/// Links that notes tell (`filiale de Nova`, `a repris le fonds de Mistral`): child, parent, type. The name behind the
/// phrase must be that of one other organisation.
fn told_by_notes(
    entities: &Entities,
    clean: &Records,
    rows: &[Link],
) -> BTreeSet<(u32, u32, &'static str)> {
    let Some(notes) = clean.columns.get("notes") else { return BTreeSet::new() };
    let mut told: Vec<(u32, &'static str, Vec<String>)> = Vec::new();
    let mut beside: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for row in rows {
        beside.entry(row.person).or_default().push(row.organisation);
    }
    for record in 0..clean.len() as u32 {
        for note in notes.values(record as usize) {
            let found = phrases_in(note);
            if found.is_empty() {
                continue;
            }
            let own = [record];
            let of = match clean.kinds[record as usize] {
                Kind::Organisation => &own[..],
                _ => beside.get(&record).map_or(&[][..], Vec::as_slice),
            };
            for &organisation in of {
                let child = entities.of_record[organisation as usize];
                told.extend(found.iter().map(|(what, behind)| (child, *what, behind.clone())));
            }
        }
    }
    if told.is_empty() {
        return BTreeSet::new();
    }
    let names = names_of_organisations(entities, clean);
    let link = |(child, what, behind): (u32, &'static str, Vec<String>)| {
        let longest = behind.len().min(LONGEST_NAME);
        let keys =
            (1..=longest).rev().map(|n| organisation::words(&behind[..n].join(" ")).join(" "));
        let found =
            keys.filter(|key| key.len() >= SHORTEST_NAME).find_map(|key| names.get(&key))?;
        let mut others = found.iter().filter(|&&at| at != child);
        let parent = *others.next()?;
        // A name of several, or its own former name.
        (others.next().is_none() && !found.contains(&child)).then_some((child, parent, what))
    };
    told.into_iter().filter_map(link).collect()
}

/// The phrases of a note, each with the words behind it up to the end of the clause.
fn phrases_in(note: &str) -> Vec<(&'static str, Vec<String>)> {
    let mut found = Vec::new();
    for clause in note.split(['.', ';', ',', '(', ')', '\n', '/']) {
        let folded = format!(" {} ", text::fold(clause));
        for (what, phrases) in PHRASES.iter() {
            // The longest phrase leaves the fewest words to the name.
            let behind = phrases.iter().filter_map(|phrase| {
                let (_, behind) = folded.split_once(&format!(" {phrase} "))?;
                Some(behind.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            });
            let what: &'static str = match what.as_str() {
                "successor_of" => "successor_of",
                "subsidiary_of" => "subsidiary_of",
                _ => "establishment_of",
            };
            found.extend(behind.filter(|words| !words.is_empty()).map(|words| (what, words)));
        }
    }
    found
}

/// The golden organisations of each name, in the form in which names are compared.
fn names_of_organisations(entities: &Entities, clean: &Records) -> BTreeMap<String, BTreeSet<u32>> {
    let mut names: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for record in 0..clean.len() {
        if clean.kinds[record] != Kind::Organisation {
            continue;
        }
        for name in ["name", "alias"].iter().flat_map(|name| clean.values(name, record)) {
            let key = organisation::words(name).join(" ");
            names.entry(key).or_default().insert(entities.of_record[record]);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consolidate::{
            notation::{clusters, records},
            survivorship::Standing,
        },
        table::Clean,
    };

    fn entities(records: &Records, cluster: &[u32]) -> Entities {
        let mut entities = Entities::of_first_run(records, &clusters(cluster));
        for entity in &mut entities.list {
            entity.id = format!("{}{}", &entity.id[..1], entity.members[0]);
        }
        entities
    }

    fn linked(notation: &str, cluster: &[u32], links: &[(u32, u32, &str)]) -> Vec<String> {
        let records = records(notation);
        let standings: Vec<Standing<'_>> = (0..records.len())
            .map(|r| {
                let place = records.place_of(r);
                Standing { rank: place.rank, date: &place.dated, filled: 1, source: place.rank }
            })
            .collect();
        let links: Vec<Link> = links
            .iter()
            .map(|&(person, organisation, role)| Link { person, organisation, role: role.into() })
            .collect();
        let golden = super::links(&entities(&records, cluster), &links, &records, &standings);
        let current = |c: Option<bool>| c.map_or("?".to_owned(), |c| c.to_string());
        golden
            .iter()
            .map(|l| {
                [&l.person_id, &l.organisation_id, &l.role, &current(l.current), &l.since, &l.until]
                    .map(String::as_str)
                    .join(" ")
            })
            .collect()
    }

    #[test]
    fn the_latest_organisation_is_the_current_one() {
        let rows = "a/2009 P last_name=X; a/2009 O name=Old; b/2014 P last_name=X job_title=PDG; b/2014 O name=New";
        assert_eq!(
            linked(rows, &[0, 1, 0, 3], &[(0, 1, "comptable"), (2, 3, "")]),
            ["P0 O1 comptable false 2009 2009", "P0 O3 PDG true 2014 "]
        );
    }

    #[test]
    fn without_dates_nothing_is_claimed() {
        let rows = "a P last_name=X; a O name=One; b/2014 P last_name=X; b/2014 O name=Two";
        assert_eq!(
            linked(rows, &[0, 1, 0, 3], &[(0, 1, ""), (2, 3, "")]),
            ["P0 O1  ?  ", "P0 O3  ? 2014 "]
        );
    }

    #[test]
    fn rows_that_say_the_same_are_one_link() {
        let rows =
            "a/2009 P last_name=X; a/2009 O name=One; b/2014 P last_name=X; b/2014 O name=One";
        assert_eq!(
            linked(rows, &[0, 1, 0, 1], &[(0, 1, "comptable"), (2, 3, "DAF")]),
            ["P0 O1 DAF true 2009 "]
        );
    }

    #[test]
    fn couples_that_share_a_person_are_one_home() {
        let records = records(
            "a P last_name=X; a P last_name=Y; b P last_name=Y; b P last_name=Z; c P last_name=W",
        );
        let couples = [Couple { first: 0, second: 1 }, Couple { first: 2, second: 3 }];
        let homes = households(&entities(&records, &[0, 1, 1, 3, 4]), &couples);
        let shown: Vec<String> = homes.iter().map(|(h, p)| format!("{h} {p}")).collect();
        assert_eq!(shown, ["H0 P0", "H0 P1", "H0 P3"]);
    }

    fn parents_of(notation: &str) -> Vec<(u32, u32)> {
        let records = records(notation);
        let first: Vec<u32> = (0..records.len() as u32).collect();
        let entities = entities(&records, &first);
        let numbers: Vec<LegalNumbers<'_>> = (0..records.len())
            .map(|r| LegalNumbers {
                siren: records.first("siren", r).unwrap_or_default(),
                siret: records.first("siret", r).unwrap_or_default(),
            })
            .collect();
        let names: Vec<Vec<String>> =
            entities.list.iter().map(|e| name_words(e, &records)).collect();
        parents(&entities, &numbers, &names).into_iter().collect()
    }

    #[test]
    fn the_legal_unit_is_the_parent_of_its_establishments() {
        let rows = "a O name=Mistral siren=1 siret=12; a O name=Mistral siren=1; a O name=Mistral_Sud siren=1 siret=13";
        assert_eq!(parents_of(rows), [(0, 1), (2, 1)]);
        let rows = "a O name=Mistral siren=1 siret=13; a O name=Mistral siren=1 siret=12; a O name=Autre siren=2";
        assert_eq!(parents_of(rows), [(0, 1)]);
    }

    #[test]
    fn a_number_on_unrelated_names_makes_no_family() {
        let rows = "a O name=Mistral siren=1; a O name=Dupont siren=1; a O name=Garage siren=1; a O name=Mistral_Sud siren=1 siret=12";
        assert_eq!(parents_of(rows), [(3, 0)]);
    }

    #[test]
    fn who_pays_is_found_by_code_or_name_in_the_same_ledger() {
        let records = records(
            "a@L1 O name=Mistral account_code=C1; a@L1 O name=Sud parent=C1; \
             a@L1 O name=Nord parent=MISTRAL; b@L2 O name=Est parent=C1",
        );
        let clean = Clean { records: records.clone(), ..Clean::default() };
        let entities = entities(&records, &[0, 1, 2, 3]);
        let index = KeyIndex::new(&entities, &clean.records, false);
        let tables = (&records, &records);
        let links = organisation_links(&entities, &BTreeMap::new(), tables, &[], &index);
        let shown: Vec<String> = links
            .iter()
            .map(|l| format!("{} {} {}", l.child_id, l.link_type, l.parent_id))
            .collect();
        assert_eq!(shown, ["O1 billed_to O0", "O2 billed_to O0"]);
    }

    #[test]
    fn notes_tell_of_another_organisation_where_one_alone_has_the_name() {
        let records = records(
            "a O name=Mistral; a O name=Soleil notes=RDV_mardi,_filiale_de_MISTRAL_SARL; \
             a P last_name=X notes=a_repris_le_fonds_de_Soleil_en_2012; a O name=Levant; \
             a O name=Est notes=ex_Nord; a O name=Nord; a O name=Nord; a O name=Autan notes=ex_comptable",
        );
        let entities = entities(&records, &[0, 1, 2, 3, 4, 5, 6, 7]);
        let row = Link { person: 2, organisation: 3, role: String::new() };
        let told = told_by_notes(&entities, &records, &[row]);
        let id = |at: u32| entities.list[at as usize].id.as_str();
        let shown: Vec<String> =
            told.into_iter().map(|(a, b, what)| format!("{} {what} {}", id(a), id(b))).collect();
        assert_eq!(shown, ["O1 subsidiary_of O0", "O3 successor_of O1"]);
    }
}
