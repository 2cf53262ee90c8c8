//! Resolves records into entities: block, score and cluster for each kind, in the order in which one
//! kind is evidence for the next.

use std::collections::BTreeMap;

use crate::{
    block,
    cluster::{self, Bound, Constraints, Judge, Said, Zone},
    coded::CodedRecords,
    decisions::Decided,
    error::Result,
    model::Kind,
    pairs::{CandidatePairs, Class},
    progress::Progress,
    report::Matching,
    score::{self, Evidence, Label, Model, Scored, Scorer},
    table::{Clusters, Couple, Link, Pair, Records, Review, Staged},
    value::{email, text},
};

/// How records may be put together.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The `[block]` section.
    pub block: block::Settings,
    /// The `[match]` section.
    pub score: score::Settings,
    /// Compare across sources only.
    pub link_only: bool,
    /// Take at most one record of each source into a cluster; `None` is on where each source proves
    /// free of duplicates.
    pub one_to_one: Option<bool>,
}

/// What is known once all records are resolved.
#[derive(Default)]
pub struct Resolved {
    /// Every record in one cluster.
    pub clusters: Clusters,
    /// The numbers, per kind.
    pub metrics: Vec<Matching>,
    /// What was learned, per kind.
    pub models: Vec<Model>,
    /// The pairs that came into question, sorted, with what is said of them in the end.
    pub pairs: Vec<Said>,
    /// Which of the records that are [one by decision](Decided::same) broke which bound.
    pub overruled: Vec<(usize, String)>,
}

/// One kind of record with all that is needed to compare any two of them.
struct Prepared {
    /// Positions of the kind's records.
    members: Vec<u32>,
    /// Comparisons and model.
    scorer: Scorer,
    candidates: CandidatePairs,
    /// Matches expected among the pairs left out.
    left_out_matches: f64,
    block: block::Metrics,
}

/// Which look at a kind of record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// At organisations whose persons are not resolved yet: only who belongs together, as evidence for persons.
    First,
    /// The one that counts.
    Last,
}

impl Look {
    /// What the model of this look is called in `model.json`.
    fn model(self, kind: Kind) -> String {
        match self {
            Look::First => format!("{}, first look", kind.as_str()),
            Look::Last => kind.as_str().to_owned(),
        }
    }
}

/// The order in which kinds are resolved. Organisations are evidence for the persons on their rows, and these,
/// once they are resolved, for the organisations.
fn looks(links: &[Link]) -> Vec<(Kind, Look)> {
    let first = (Kind::Organisation, Look::First);
    let last = [Kind::Person, Kind::Organisation, Kind::Other].map(|kind| (kind, Look::Last));
    (!links.is_empty()).then_some(first).into_iter().chain(last).collect()
}

/// Resolves all records: organisations, then persons with the organisations they belong to as evidence, then
/// organisations again with their persons. What was `decided` holds, whatever the model says.
pub fn resolve(
    records: &Records,
    (links, couples): (&[Link], &[Couple]),
    known: &[Model],
    decided: &Decided,
    settings: &Settings,
    progress: &Progress,
) -> Result<Resolved> {
    let mut resolved = Resolved::default();
    resolved.clusters.cluster = (0..records.len() as u32).collect();
    for (kind, look) in looks(links) {
        if !records.kinds.contains(&kind) {
            continue;
        }
        let beside = Beside { links, clusters: &resolved.clusters.cluster, look };
        let learning = Learning { known, decided };
        let prepared = prepare(records, kind, beside, &learning, settings, progress)?;
        let scorer = &prepared.scorer;
        let mut scored = progress.part("score", pairs_scored, || {
            scorer.run(&prepared.candidates, &settings.score, progress)
        })?;
        let one_to_one = match settings.one_to_one {
            Some(asked) => asked,
            None => settings.link_only && sources_are_clean(&prepared, settings, progress)?,
        };
        let mut bounds = bounds(records, kind, &prepared.members, one_to_one);
        let rows = match kind {
            Kind::Person if !couples.is_empty() => together(couples, &prepared.members),
            _ => Vec::new(),
        };
        if !rows.is_empty() {
            bounds.push(Bound::NoRepeat { reason: "couple", values: rows.clone() });
        }
        let merge = settings.score.merge_centibits();
        let count = prepared.members.len();
        let (asked, constraints) = constraints(bounds, decided, &prepared.members);
        let in_sight = progress.part("cluster", nothing, || {
            let in_sight = in_sight(scorer, &scored.table, count, &constraints);
            scorer.weigh_again(&mut scored, &in_sight);
            in_sight
        });
        let Staged { table: Scored { mut pairs, .. }, metrics: mut score_metrics } = scored;
        let review = settings.score.review_centibits();
        let below = pairs.iter().map(|pair| pair.weight_centibits).filter(|&w| w < review);
        score_metrics.expected_missed += score::expected_matches(below) + prepared.left_out_matches;
        // That the persons of one row are two is known: nobody is asked.
        let row = |record: u32| rows.get(record as usize).copied().flatten();
        let is_one_row = |pair: &Pair| row(pair.left).is_some_and(|of| row(pair.right) == Some(of));
        pairs.retain(|pair| pair.weight_centibits >= review && !is_one_row(pair));
        let found = pairs.iter().filter(|pair| pair.weight_centibits >= merge);
        let blocking_loss = prepared.candidates.lost(found.map(|pair| (pair.left, pair.right)));
        let judge = Judged { scorer, in_sight: &in_sight };
        let (clustered, metrics) = progress.part(
            "cluster",
            |_| count as u64,
            || cluster::run(count, pairs, merge, &constraints, &judge),
        );
        let global = |local: u32| prepared.members[local as usize];
        for (local, &first) in clustered.first.iter().enumerate() {
            resolved.clusters.cluster[global(local as u32) as usize] = global(first);
        }
        if look == Look::First {
            resolved.models.push(prepared.scorer.model);
            continue;
        }
        let overruled =
            clustered.overruled.iter().map(|&(at, reason)| (asked[at], reason.to_owned()));
        resolved.overruled.extend(overruled);
        let chained = prepared.candidates.chained_only(&clustered.first);
        let blocking_loss = blocking_loss.map(|share| chained + (1.0 - chained) * share);
        let zone = |zone: Zone| clustered.said.iter().filter(move |said| said.zone == zone);
        let matches =
            |of: Zone| score::expected_matches(zone(of).map(|said| said.pair.weight_centibits));
        let merged_pairs = zone(Zone::Merged).count() as u64;
        resolved.metrics.push(Matching {
            kind: kind.as_str().to_owned(),
            records: prepared.members.len() as u64,
            rules: prepared.block.rules,
            rules_left_out: prepared.block.left_out,
            alone: prepared.block.alone,
            uncovered: prepared.block.uncovered,
            possible_pairs: prepared.block.possible_pairs,
            candidate_pairs: score_metrics.candidate_pairs,
            weights: score_metrics.weights,
            merged_pairs,
            review_pairs: zone(Zone::Review).count() as u64,
            expected_false_merges: tenths(merged_pairs as f64 - matches(Zone::Merged)),
            expected_review_matches: tenths(matches(Zone::Review)),
            expected_missed: tenths(score_metrics.expected_missed + matches(Zone::Separate)),
            blocking_loss: blocking_loss.map(|share| (share * 1e4).round() / 1e4),
            merge_bits: f64::from(merge) / 100.0,
            review_bits: f64::from(review) / 100.0,
            cluster: metrics,
        });
        resolved.clusters.review.extend(clustered.review.into_iter().map(|review| Review {
            left: global(review.left),
            right: global(review.right),
            ..review
        }));
        resolved.pairs.extend(clustered.said.into_iter().map(|said| {
            let Pair { left, right, .. } = said.pair;
            Said { pair: Pair { left: global(left), right: global(right), ..said.pair }, ..said }
        }));
        resolved.models.push(prepared.scorer.model);
    }
    resolved.clusters.review.sort_unstable();
    resolved.pairs.sort_unstable();
    Ok(resolved)
}

fn pairs_scored(scored: &Result<Staged<Scored, score::Metrics>>) -> u64 {
    scored.as_ref().map_or(0, |scored| scored.metrics.candidate_pairs)
}

/// For parts of a stage that count no items.
fn nothing<T>(_: &T) -> u64 {
    0
}

/// Which members have relatives in sight: records that are related to a record of theirs and, as far as a
/// first look tells, no record of theirs. Where a name has no second bearer, a record with nothing but the name
/// is its bearer's; where it has, nobody can tell whose.
fn in_sight(
    scorer: &Scorer,
    scored: &Scored,
    count: usize,
    constraints: &Constraints,
) -> Vec<bool> {
    let judge = Judged { scorer, in_sight: &vec![true; count] };
    // Likelier a match than not.
    let first = cluster::run(count, scored.pairs.clone(), 0, constraints, &judge).0.first;
    let mut has_relatives = vec![false; count];
    for &(a, b) in &scored.related {
        let (a, b) = (first[a as usize] as usize, first[b as usize] as usize);
        if a != b {
            (has_relatives[a], has_relatives[b]) = (true, true);
        }
    }
    first.iter().map(|&first| has_relatives[first as usize]).collect()
}

/// What the model says of groups of records.
struct Judged<'a> {
    scorer: &'a Scorer,
    /// Which members have relatives in sight.
    in_sight: &'a [bool],
}

impl Judge for Judged<'_> {
    fn together(&self, left: &[u32], right: &[u32]) -> i32 {
        let in_sight = left.iter().chain(right).any(|&record| self.in_sight[record as usize]);
        self.scorer.group_centibits(left, right, in_sight)
    }

    fn evidence(&self, left: u32, right: u32) -> i32 {
        self.scorer.evidence_centibits(left, right)
    }
}

/// An expected number of pairs, as precise as it deserves.
fn tenths(pairs: f64) -> f64 {
    (pairs * 10.0).round() / 10.0
}

/// What matching learns from besides the records.
pub struct Learning<'a> {
    /// The models of earlier runs.
    pub known: &'a [Model],
    /// What stewards said of records.
    pub decided: &'a Decided,
}

impl Learning<'_> {
    /// What was said of pairs of `members`, by their positions. Two parts that are apart are one answer, whatever their size.
    fn labels(&self, members: &[u32]) -> Vec<Label> {
        let local = |record: u32| members.binary_search(&record).ok().map(|at| at as u32);
        let label = |left: u32, right: u32, matches: bool| {
            Some(Label { left: local(left)?, right: local(right)?, matches })
        };
        let same = self.decided.same.iter().filter_map(|pair| label(pair.left, pair.right, true));
        let apart = self.decided.apart.iter().flat_map(|parts| {
            let firsts: Vec<u32> = parts.iter().filter_map(|part| part.first().copied()).collect();
            let pairs =
                (0..firsts.len()).flat_map(|at| (at + 1..firsts.len()).map(move |b| (at, b)));
            pairs.filter_map(|(a, b)| label(firsts[a], firsts[b], false)).collect::<Vec<_>>()
        });
        same.chain(apart).collect()
    }
}

/// What is known of the records beside those of a kind.
#[derive(Clone, Copy)]
struct Beside<'a> {
    links: &'a [Link],
    /// Those of the kinds resolved before.
    clusters: &'a [u32],
    look: Look,
}

/// Blocks and trains one kind.
fn prepare(
    records: &Records,
    kind: Kind,
    beside: Beside<'_>,
    learning: &Learning<'_>,
    settings: &Settings,
    progress: &Progress,
) -> Result<Prepared> {
    let members: Vec<u32> =
        (0..records.len() as u32).filter(|&r| records.kinds[r as usize] == kind).collect();
    let evidence = evidence(records, kind, &members, beside);
    let source = settings.link_only.then(|| sources(records, &members));
    let coded = CodedRecords::new(records, &members);
    let blocked = progress.part(
        "block",
        |_| members.len() as u64,
        || block::run(&coded, kind, &evidence.people, source, &settings.block, progress),
    )?;
    let name = beside.look.model(kind);
    let known = learning.known.iter().find(|model| model.kind == name);
    let mut candidates = blocked.table;
    let labels = learning.labels(&members);
    let mut scorer = Scorer::new(&coded, kind, &evidence, &candidates, &labels, known, progress)?;
    scorer.model.kind = name;
    let number = |member: u32| score::number_of(records, members[member as usize]);
    let idle = progress.part("choose pairs", nothing, || scorer.idle_pairs(&candidates, number));
    let mut block = blocked.metrics;
    block.left_out = by_rule(&candidates, &idle.classes);
    candidates.leave_out(idle.classes.iter().map(|(class, _)| *class));
    Ok(Prepared { members, scorer, candidates, block, left_out_matches: idle.matches })
}

/// Pairs of classes, summed by the names of their rules.
fn by_rule(candidates: &CandidatePairs, classes: &[(Class, u64)]) -> Vec<(String, u64)> {
    let rules = candidates.rules.iter().enumerate().map(|(at, rule)| {
        let of_rule = classes.iter().filter(|(class, _)| class.rule == at);
        (rule.name.clone(), of_rule.map(|(_, pairs)| pairs).sum())
    });
    rules.filter(|&(_, pairs)| pairs > 0).collect()
}

/// The positions of the records of `kind`, and what compares any two of them with the model that an
/// earlier run learned: nothing is blocked and nothing trained. None without a model that fits.
pub fn comparer(
    records: &Records,
    links: &[Link],
    kind: Kind,
    clusters: &[u32],
    known: &[Model],
) -> Option<(Vec<u32>, Scorer)> {
    let members: Vec<u32> =
        (0..records.len() as u32).filter(|&r| records.kinds[r as usize] == kind).collect();
    let model = known.iter().find(|model| model.kind == kind.as_str())?;
    let beside = Beside { links, clusters, look: Look::Last };
    let evidence = evidence(records, kind, &members, beside);
    let scorer = Scorer::known(&CodedRecords::new(records, &members), kind, &evidence, model)?;
    Some((members, scorer))
}

/// What the other record of a row says of a record.
fn evidence(records: &Records, kind: Kind, members: &[u32], known: Beside<'_>) -> Evidence {
    let Beside { links, clusters, look } = known;
    let mut beside: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for link in links {
        match kind {
            Kind::Organisation => beside.entry(link.organisation).or_default().push(link.person),
            Kind::Person => beside.entry(link.person).or_default().push(link.organisation),
            Kind::Other => {}
        }
    }
    let of = |give: &dyn Fn(u32) -> Vec<String>| -> Vec<Vec<String>> {
        members
            .iter()
            .map(|member| beside.get(member).into_iter().flatten().flat_map(|&r| give(r)).collect())
            .collect()
    };
    match kind {
        Kind::Organisation => Evidence {
            people: of(&|person| {
                if look == Look::Last {
                    return vec![clusters[person as usize].to_string()];
                }
                let part =
                    |a| records.first(a, person as usize).map(text::fold).unwrap_or_default();
                let (first, last) = (part("first_name"), part("last_name"));
                if first.len() < 2 || last.len() < 2 {
                    Vec::new()
                } else {
                    vec![format!("{first} {last}")]
                }
            }),
            hosts: of(&|person| {
                let own =
                    records.values("email", person as usize).filter(|e| !email::is_freemail(e));
                own.filter_map(|e| e.split_once('@').map(|(_, host)| host.to_owned())).collect()
            }),
            employers: Vec::new(),
        },
        Kind::Person => Evidence {
            employers: of(&|organisation| vec![clusters[organisation as usize].to_string()]),
            ..Evidence::default()
        },
        Kind::Other => Evidence::default(),
    }
}

fn sources(records: &Records, members: &[u32]) -> Vec<u32> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    for &member in members {
        let next = numbers.len() as u32;
        numbers.entry(&records.place_of(member as usize).source).or_insert(next);
    }
    members.iter().map(|&m| numbers[records.place_of(m as usize).source.as_str()]).collect()
}

/// Of a thousand records, how many may have a double in their own source for it to count as clean.
const DOUBLES_PER_THOUSAND: u64 = 5;

/// Whether next to no record has a double within its own source, by the model learned across them.
fn sources_are_clean(
    prepared: &Prepared,
    settings: &Settings,
    progress: &Progress,
) -> Result<bool> {
    let within = prepared.candidates.within_sources();
    let doubles = prepared.scorer.run(&within, &settings.score, progress)?.table.pairs;
    let merge = settings.score.merge_centibits();
    let doubles = doubles.iter().filter(|pair| pair.weight_centibits >= merge).count() as u64;
    Ok(doubles * 1000 <= prepared.members.len() as u64 * DOUBLES_PER_THOUSAND)
}

/// The values that one entity cannot have two of.
fn bounds(records: &Records, kind: Kind, members: &[u32], one_to_one: bool) -> Vec<Bound> {
    let mut bounds = Vec::new();
    if one_to_one {
        let values = sources(records, members).into_iter().map(Some).collect();
        bounds.push(Bound::NoRepeat { reason: "one_to_one", values });
    }
    if kind == Kind::Person {
        // A date without its year or day goes with many others.
        let day = |&member: &u32| whole_date(records.first("birth_date", member as usize)?);
        bounds.push(Bound::NoContradiction {
            reason: "birth_dates",
            values: members.iter().map(day).collect(),
            contradict: dates_contradict,
        });
    }
    if kind == Kind::Organisation {
        let siren = |record: usize| records.first("siren", record);
        bounds.push(Bound::AtMostOne { reason: "legal_unit", values: coded(members, siren) });
        let values = coded(members, establishments(records, members));
        bounds.push(Bound::AtMostOne { reason: "establishment", values });
    }
    bounds
}

/// What clusters of `members` obey, with the positions in [`Decided::same`] of what is the same.
fn constraints(
    bounds: Vec<Bound>,
    decided: &Decided,
    members: &[u32],
) -> (Vec<usize>, Constraints) {
    let local = |record: &u32| members.binary_search(record).ok().map(|at| at as u32);
    let same = decided.same.iter().enumerate();
    let same = same.filter_map(|(at, pair)| Some((at, (local(&pair.left)?, local(&pair.right)?))));
    let (asked, same) = same.unzip();
    let part = |part: &Vec<u32>| part.iter().filter_map(local).collect();
    let apart = decided.apart.iter().map(|parts| parts.iter().map(part).collect());
    (asked, Constraints { bounds, same, apart: apart.collect() })
}

/// The digits of an ISO date that has year, month and day, as one number.
fn whole_date(date: &str) -> Option<u32> {
    let digits: String = date.split('-').collect();
    (date.len() == 10 && digits.len() == 8).then(|| digits.parse().ok())?
}

/// Whether two days are of two births: neither one slip of the keyboard apart, nor with day and month
/// swapped, nor with two of day, month and year the same.
fn dates_contradict(x: u32, y: u32) -> bool {
    let parts = |date: u32| [date / 10_000, date / 100 % 100, date % 100];
    let (x, y) = (parts(x), parts(y));
    let swapped = x[0] == y[0] && x[1] == y[2] && x[2] == y[1];
    let same = (0..3).filter(|&part| x[part] == y[part]).count();
    !swapped && same < 2
}

/// For each record the first of those that its row names together: a couple is two persons, whatever
/// email and phone they share.
fn together(couples: &[Couple], members: &[u32]) -> Vec<Option<u32>> {
    let mut first: BTreeMap<u32, u32> = BTreeMap::new();
    // A row of three persons is two couples in a chain.
    for couple in couples {
        let known = first.get(&couple.first).or_else(|| first.get(&couple.second));
        let row = known.copied().unwrap_or(couple.first);
        first.insert(couple.first, row);
        first.insert(couple.second, row);
    }
    members.iter().map(|member| first.get(member).copied()).collect()
}

/// The establishment each record speaks of: its SIRET; its SIREN where it has no address that could
/// tell which of several establishments it is, and so speaks of the legal unit.
pub fn establishments<'a>(
    records: &'a Records,
    members: &[u32],
) -> impl Fn(usize) -> Option<&'a str> {
    let mut known: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for &member in members {
        for siret in records.values("siret", member as usize) {
            known.entry(siret.get(..9).unwrap_or(siret)).or_default().insert(siret);
        }
    }
    move |record| {
        records.first("siret", record).or_else(|| {
            let siren = records.first("siren", record)?;
            let several = known.get(siren).is_some_and(|sirets| sirets.len() > 1);
            (several && records.first("address", record).is_none()).then_some(siren)
        })
    }
}

fn coded<'a>(members: &[u32], value: impl Fn(usize) -> Option<&'a str>) -> Vec<Option<u32>> {
    let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
    members
        .iter()
        .map(|&member| {
            let text = value(member as usize)?;
            let next = codes.len() as u32;
            Some(*codes.entry(text).or_insert(next))
        })
        .collect()
}
