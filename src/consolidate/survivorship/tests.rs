use super::*;
use crate::{model::Kind, value::address::Address};

/// Survivors of `source/date value; ...`: the source is one letter whose order is its rank.
fn survivors(kind: ValueKind, rule: Rule, cells: &str) -> String {
    let cells: Vec<(u32, &str, &str)> = cells
        .split("; ")
        .map(|cell| {
            let (head, value) = cell.split_once(' ').expect("source and value");
            let (source, date) = head.split_once('/').unwrap_or((head, ""));
            (u32::from(source.as_bytes()[0]), date, value)
        })
        .collect();
    let standings: Vec<Standing<'_>> = cells
        .iter()
        .map(|&(source, date, _)| Standing { rank: source, date, filled: 1, source })
        .collect();
    let candidates: Vec<Candidate<'_>> = cells
        .iter()
        .enumerate()
        .map(|(at, &(.., value))| Candidate { value, origin: 0, record: at as u32 })
        .collect();
    let evidence = Evidence {
        standings: &standings,
        mailboxes: &["h lefevre75".to_owned()],
        is_shared: &|value| value == "+33100",
        score: &|_, _| 0,
    };
    let survivors = survive(kind, rule, &candidates, evidence);
    let shown = survivors.iter().map(|s| match s.outcome {
        Outcome::Decided => s.winner.value.to_owned(),
        other => format!("{} ({})", s.winner.value, other.as_str()),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn names(rule: Rule, cells: &str) -> String {
    survivors(ValueKind::PersonName, rule, cells)
}

#[test]
fn each_rule_has_its_winner() {
    let cells = "a/2010 Petit; b/2020 Durand; c/2015 Durand; c/2005 Martinez";
    assert_eq!(names(Rule::SourcePriority, cells), "Petit");
    assert_eq!(names(Rule::MostRecent, cells), "Durand");
    assert_eq!(names(Rule::Oldest, cells), "Martinez");
    assert_eq!(names(Rule::MostFrequent, cells), "Durand");
    assert_eq!(names(Rule::Longest, cells), "Martinez");
    assert_eq!(names(Rule::Union, cells), "Petit, Durand, Martinez");
    assert_eq!(names(Rule::RankedList, cells), "Durand, Petit, Martinez");
}

#[test]
fn a_source_that_repeats_itself_has_one_vote() {
    assert_eq!(
        names(Rule::MostFrequent, "b Durant; b Durant; b Durant; c Durand; d Durand"),
        "Durand"
    );
}

#[test]
fn accents_and_mixed_case_win_within_the_most_frequent_name() {
    assert_eq!(names(Rule::MostFrequent, "a HELENE; b HELENE; c Hélène; d Irène"), "Hélène");
    assert_eq!(names(Rule::BestCased, "a DUPONT; b Dupond"), "Dupond");
}

#[test]
fn the_fullest_first_name_must_agree_with_the_majority() {
    let fullest = |cells| names(Rule::MostComplete, cells);
    assert_eq!(fullest("a J.; b Jean; c Jean-Pierre"), "Jean-Pierre");
    assert_eq!(fullest("a J.; b J.; c Jean"), "Jean");
    assert_eq!(fullest("a JP; b Jean-Pierre"), "Jean-Pierre");
    assert_eq!(fullest("a Paul; b Paul; c Jean-Pierre"), "Paul");
}

#[test]
fn a_whole_date_survives_a_part_of_one() {
    let fullest = |cells| survivors(ValueKind::Date, Rule::MostComplete, cells);
    assert_eq!(fullest("a --02-29; b --02-29; c 1975-03-14"), "1975-03-14");
    assert_eq!(fullest("a 1975; b 1975-03; c 1975-03-14"), "1975-03-14");
    assert_eq!(fullest("a 1975-03-14; b 1976-03-14; c 1976-03-14"), "1976-03-14");
}

#[test]
fn between_two_equal_names_the_mailbox_speaks() {
    assert_eq!(names(Rule::MostFrequent, "a Lefvère; b Lefèvre"), "Lefèvre (tied)");
    assert_eq!(names(Rule::MostFrequent, "a Lefev; b Lefèvre"), "Lefèvre (tied)");
    assert_eq!(names(Rule::MostFrequent, "a Petit; c Petit; b Lefèvre"), "Petit");
}

#[test]
fn a_number_of_many_comes_after_ones_own() {
    let numbers = survivors(ValueKind::Phone, Rule::RankedList, "a +33100; b +33100; c +33755");
    assert_eq!(numbers, "+33755, +33100");
}

#[test]
fn a_tie_is_told_from_a_rule_without_evidence() {
    assert_eq!(names(Rule::MostFrequent, "b Durand; a Petit"), "Petit (tied)");
    assert_eq!(names(Rule::MostRecent, "b Durand; a Petit"), "Petit (defaulted)");
    assert_eq!(names(Rule::MostRecent, "b/2010 Durand; a Petit"), "Durand");
}

#[test]
fn the_most_restrictive_value_allows_least() {
    let strict = |kind, cells| survivors(kind, Rule::MostRestrictive, cells);
    assert_eq!(strict(ValueKind::Boolean, "a true; b false"), "false");
    assert_eq!(strict(ValueKind::Money, "a 1000.00; b 200.00"), "200.00");
    assert_eq!(survivors(ValueKind::Money, Rule::Max, "a 1000.00; b 200.00"), "1000.00");
    assert_eq!(survivors(ValueKind::Date, Rule::Max, "a 2010-05; b 2011-01-01"), "2011-01-01");
}

#[test]
fn an_address_survives_whole_and_takes_partial_and_misspelt_ones_with_it() {
    let address = |line: &str| {
        let mut parts = line.split('/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (number, street, postcode, city) = (next(), next(), next(), next());
        Address { number, street, postcode, city, ..Address::default() }.encode()
    };
    let cells = format!(
        "a {}; b {}; c {}; d {}",
        address("//44000/Nantes"),
        address("12/rue de la Paix/44000/Nantes"),
        address("12/rue de la Pais/44000/Nantes"),
        address("3/avenue Foch/35000/Rennes"),
    );
    let kept = survivors(ValueKind::Address, Rule::RankedList, &cells);
    assert_eq!(
        kept,
        [address("12/rue de la Paix/44000/Nantes"), address("3/avenue Foch/35000/Rennes")]
            .join(", ")
    );
}

#[test]
fn a_name_cut_at_the_width_of_its_column_votes_for_the_whole_one() {
    let cells = "a COMPAGNIE GENERALE DE TRAVAUX; b Compagnie Générale de Travaux Publics; c Autre";
    let name = survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
    assert_eq!(name, "Compagnie Générale de Travaux Publics");
}

#[test]
fn the_street_and_the_town_are_spelled_as_most_sources_spell_them() {
    let address = |street: &str, city: &str, complement: &str| {
        let [number, postcode] = ["12", "44000"].map(str::to_owned);
        let [street, city, complement] = [street, city, complement].map(str::to_owned);
        Address { number, street, postcode, city, complement, ..Address::default() }.encode()
    };
    let cells = format!(
        "a {}; b {}; c {}; d {}",
        address("rue de la Pais", "Nantes", "Bâtiment B"),
        address("rue de la Paix", "Nante", "Bâtiment B"),
        address("rue de la Paix", "Nantes", ""),
        address("RUE DE LA PAIX", "NANTES", ""),
    );
    let kept = survivors(ValueKind::Address, Rule::RankedList, &cells);
    assert_eq!(kept, address("rue de la Paix", "Nantes", ""));
}

#[test]
fn a_spelling_in_capitals_survives_where_there_is_no_other_alone() {
    let name = |cells| survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
    assert_eq!(
        name("a GARAGE DU CENTRE; b GARAGE DU CENTRE; c Garage du Centre"),
        "Garage du Centre"
    );
    assert_eq!(name("a Transports MARCHAND; b Transports Marchand"), "Transports Marchand");
    assert_eq!(name("a MARCHAND"), "MARCHAND");
    let job = |cells| survivors(ValueKind::Text, Rule::MostRecent, cells);
    assert_eq!(job("a/2020 GERANT; b/2010 gérant"), "gérant");
    assert_eq!(job("a/2020 DIRECTEUR; b/2010 Directeur"), "Directeur");
}

#[test]
fn a_word_spelled_out_survives_its_abbreviation() {
    let cells = "a Const. Ray; b Const. Ray; c Constructions Ray";
    let name = survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
    assert_eq!(name, "Constructions Ray");
    let cells =
        "a Sté Régionale de TP; b STE REGIONALE DE TP; c Société Régionale de Travaux Publics";
    let name = survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
    assert_eq!(name, "Société Régionale de Travaux Publics");
}

#[test]
fn a_former_name_loses_where_newer_records_agree() {
    let name = |cells: &str| survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
    let old = "a/2009 Durand; b/2011 Durand; c/2012 Durand";
    assert_eq!(name(&format!("{old}; d/2023-05-01 Nova; e/2024 Nova")), "Nova");
    // One record may err, and what has no date is no news.
    assert_eq!(name(&format!("{old}; d/2023-05-01 Nova")), "Durand");
    assert_eq!(name(&format!("{old}; d Nova; e Nova")), "Durand");
    assert_eq!(name("a/2010 Durand & Fils; b/2010 Nova; c/2011 Durand et Fils"), "Durand & Fils");
}

#[test]
fn settings_that_make_no_sense_come_with_the_nearest_name() {
    let rules = [
        ("frist_name".to_owned(), Rule::Longest),
        ("siret".to_owned(), Rule::MostFrequent),
        ("last_name".to_owned(), Rule::Max),
        ("city".to_owned(), Rule::Longest),
        ("extra.Remise".to_owned(), Rule::Longest),
        ("email".to_owned(), Rule::Union),
    ];
    let rules = Rules::from_iter(rules.map(|(name, rule)| (name, rule.into())));
    let problems = problems(&rules, Kind::Person);
    let said: Vec<String> = problems
        .iter()
        .map(|p| format!("{}; {}", p.message, p.hint.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        said,
        [
            "there is no attribute `city` of persons; the parts of an address survive as one: `address`",
            "there is no attribute `frist_name` of persons; the nearest known one is `first_name`",
            "`max` cannot rank the values of `last_name`; the default is `most_frequent`",
            "there is no attribute `siret` of persons; ",
        ]
    );
}

#[test]
fn a_rule_that_lacks_what_it_needs_is_told() {
    let said = |settings: &str| -> Vec<String> {
        let rules: Rules = toml::from_str(settings).expect(settings);
        problems(&rules, Kind::Person).into_iter().map(|p| p.message).collect()
    };
    assert_eq!(said("job_title = 'follow_winner'"), ["`follow_winner` of `job_title` needs `of`"]);
    assert_eq!(
        said("job_title = { rule = 'follow_winner', of = 'emial' }"),
        ["there is no attribute `emial` of persons"]
    );
    assert_eq!(
        said(
            "job_title = { rule = 'conditional', when = 'active', is = ['true'], then = 'group' }"
        ),
        ["`then` of `job_title` cannot be `group`"]
    );
    assert_eq!(said("status = 'highest_state'"), ["`highest_state` of `status` needs `order`"]);
    assert_eq!(
        said("job_title = { rule = 'trust_decay', trust = { crm = 2.0 } }"),
        ["`trust` of `job_title` is not between 0 and 1"]
    );
    assert!(toml::from_str::<Rules>("job_title = { rule = 'longest', off = 'email' }").is_err());
    assert!(toml::from_str::<Rules>("job_title = { of = 'email' }").is_err());
}
