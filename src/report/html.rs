//! How the numbers look: the page, made of `page.html`, `page.css` and the charts.

use std::collections::BTreeMap;

use minijinja::{
    Environment, UndefinedBehavior, Value, context,
    value::{Kwargs, Serde},
};
use serde::Serialize;

use super::{
    Input, Matching, PAGE_STYLE,
    chart::{self, Bar, Caption, Histogram, Mark, Node, Part, Ribbon, Stack, Stage},
    figures::{Consent, Duplicates, Figures, Identity, golden_kinds},
    pairs,
    texts::Texts,
};
use crate::{
    error::{Error, Result},
    model,
    table::Channel,
};

/// Clusters shown on the page.
const CLUSTERS_SHOWN: usize = 15;
/// Pairs for review shown on the page; all are in the workbook.
const PAIRS_SHOWN: usize = 50;
/// Sizes of golden records with a bar of their own; larger ones share the last.
const SIZES_SHOWN: u64 = 12;
/// Weights beyond these share the first and the last bar.
const WEIGHTS_SHOWN: std::ops::RangeInclusive<i64> = -50..=80;

/// How the attributes begin that only keep a column that was not understood.
const EXTRA: &str = "extra.";

/// The states of consent from the strictest to none, with their colours.
const STATES: [(&str, &str); 6] = [
    ("complaint", "ink"),
    ("opt_out", "red"),
    ("hard_bounce", "amber"),
    ("pending", "teal"),
    ("opt_in", "green"),
    ("unknown", "grey"),
];

/// Cells that tell of an end, shown on the page; the workbook has all.
const STANDINGS_SHOWN: usize = 50;

/// The whole page.
pub(super) fn page(input: &Input<'_>, figures: &Figures, texts: Texts) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    add_words(&mut environment, texts);
    environment
        .add_template("page.html", include_str!("page.html"))
        .expect("the built-in page is checked by a test");
    let rows_hold = figures.identities.iter().any(|i| i.key == "rows" && i.holds);
    let unmapped: Vec<_> =
        figures.tables.iter().filter(|t| !t.unmapped_columns.is_empty()).collect();
    let unmapped_count: usize = unmapped.iter().map(|t| t.unmapped_columns.len()).sum();
    let consent = figures.consent.as_ref();
    let page = context! {
        lang => texts.code(),
        css => Value::from_safe_string(PAGE_STYLE.to_owned()),
        figures => seen(figures),
        totals => seen(&figures.totals),
        sections => sections(figures),
        verdict => verdict(figures, rows_hold, texts),
        status => seen(status(figures, texts)),
        tiles => seen(tiles(figures, texts)),
        rows_hold,
        identities => seen(identities(figures, texts)),
        flow => Value::from_safe_string(flow(figures, texts)),
        unmapped => seen(unmapped),
        unmapped_count,
        quality => quality(figures),
        duplicates => figures.duplicates.iter().map(|d| duplicates(d, texts)).collect::<Vec<_>>(),
        matching => figures.matching.iter().map(|m| matching(m, texts)).collect::<Vec<_>>(),
        clusters => clusters(input, figures),
        pairs => seen(
            pairs::sorted(input).into_iter().take(PAIRS_SHOWN).map(|r| pairs::pair(input, r)).collect::<Vec<_>>(),
        ),
        ..context! {
            consent => seen(consent),
            consent_holds => figures.identities.iter().any(|i| i.key == "objections" && i.holds),
            load => seen(&figures.load),
            content => has_content(figures),
            standing_counts => seen(standing_counts(figures)),
            standings => seen(figures.standings.iter().take(STANDINGS_SHOWN).collect::<Vec<_>>()),
            ..consent.map_or_else(|| context! {}, |c| consent_view(c, texts))
        }
    };
    let template = environment.get_template("page.html").map_err(Error::table("index.html"))?;
    template.render(page).map_err(Error::table("index.html"))
}

/// Gives the page its words: `t`, `word`, `count` and how numbers are written.
pub(crate) fn add_words(environment: &mut Environment<'_>, texts: Texts) {
    environment.add_function("t", move |path: &str, values: Kwargs| {
        let mut text = texts.text(path);
        for name in values.args() {
            let value: Value = values.get(name)?;
            let written = match u64::try_from(value.clone()) {
                Ok(n) if value.is_number() => texts.number(n),
                _ => value.to_string(),
            };
            text = text.replace(&format!("{{{name}}}"), &written);
        }
        Ok::<_, minijinja::Error>(text)
    });
    environment.add_function("word", move |section: &str, code: &str| texts.word(section, code));
    environment.add_function("count", move |noun: &str, n: u64| texts.count(noun, n));
    environment.add_function("pct", move |part: u64, whole: u64| texts.percent(part, whole));
    environment.add_function("share", |part: u64, whole: u64| {
        format!("{:.1}%", 100.0 * part as f64 / whole.max(1) as f64)
    });
    // Small numbers beside a large one would all look like nothing on a straight scale.
    environment.add_function("heat", |part: u64, most: u64| {
        format!("{:.1}%", 100.0 * (part as f64 / most.max(1) as f64).sqrt())
    });
    environment.add_function("attribute", move |name: &str| attribute_label(name, texts));
    environment.add_function("reject_message", move |code: &str, message: &str| {
        texts.reject_message(code, message)
    });
    environment.add_function("reject_suggestion", move |code: &str, suggestion: &str| {
        texts.reject_suggestion(code, suggestion)
    });
    environment.add_filter("num", move |n: u64| texts.number(n));
    environment.add_filter("dec", move |text: &str| texts.decimal(text));
    environment.add_filter("bits", move |centibits: i32| texts.bits(centibits));
    environment.add_filter("bytes", move |n: u64| texts.bytes(n));
    environment.add_filter("date", move |iso: &str| texts.date(iso));
}

/// What people call an attribute.
pub(crate) fn attribute_label(name: &str, texts: Texts) -> String {
    let plain = || name.strip_prefix(EXTRA).unwrap_or(name).to_owned();
    model::attribute(name).map_or_else(plain, |a| a.label(texts.0).to_owned())
}

/// As the page sees it.
fn seen<T: Serialize>(value: T) -> Value {
    Value::from(Serde(value))
}

fn sections(figures: &Figures) -> Vec<&'static str> {
    let all = [
        ("reconciliation", true),
        ("quality", true),
        ("duplicates", true),
        ("matching", !figures.matching.is_empty()),
        ("clusters", true),
        ("review", true),
        ("rejects", true),
        ("content", has_content(figures)),
        ("consent", figures.consent.is_some()),
        ("load", figures.load.is_some()),
        ("method", true),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

/// Whether notes and categories say anything worth a section.
fn has_content(figures: &Figures) -> bool {
    !figures.standings.is_empty() || !figures.sensitive.is_empty() || !figures.unmapped.is_empty()
}

/// How many cells tell each standing.
fn standing_counts(figures: &Figures) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for line in &figures.standings {
        *counts.entry(line.standing.as_str()).or_default() += 1;
    }
    counts
}

fn verdict(figures: &Figures, rows_hold: bool, texts: Texts) -> String {
    let totals = &figures.totals;
    let review = match totals.review_pairs {
        0 => texts.text("verdict.review_none"),
        1 => texts.text("verdict.review_one"),
        n => texts.fill("verdict.review_many", &[("n", &texts.number(n))]),
    };
    let rows = texts.text(if rows_hold { "verdict.rows_yes" } else { "verdict.rows_no" });
    texts.fill(
        "verdict.main",
        &[
            ("records", &texts.count("record", totals.records)),
            ("files", &texts.count("file", totals.files)),
            ("golden", &texts.count("golden", totals.golden)),
            ("review", &review),
            ("rows", &rows),
        ],
    )
}

#[derive(Debug, Serialize)]
struct Status {
    holds: bool,
    words: String,
}

fn status(figures: &Figures, texts: Texts) -> Vec<Status> {
    let (holding, all) = (figures.holding(), figures.identities.len() as u64);
    let mut lines = vec![Status {
        holds: holding == all,
        words: texts
            .fill("status.checks", &[("n", &texts.number(holding)), ("all", &texts.number(all))]),
    }];
    for failing in figures.identities.iter().filter(|i| !i.holds) {
        let what = texts.text(&format!("identity.{}", failing.key));
        lines
            .push(Status { holds: false, words: texts.fill("status.failing", &[("what", &what)]) });
    }
    if let Some(consent) = figures.consent.as_ref().filter(|c| c.objections > 0) {
        let holds = consent.objections_lost == 0;
        let (text, n) = match holds {
            true => ("status.objections", consent.objections),
            false => ("status.objections_lost", consent.objections_lost),
        };
        lines.push(Status { holds, words: texts.form(text, n).replace("{n}", &texts.number(n)) });
    }
    if figures.totals.unreadable_files > 0 {
        let files = texts.count("file", figures.totals.unreadable_files);
        lines.push(Status {
            holds: false,
            words: texts.fill("status.unreadable", &[("files", &files)]),
        });
    }
    if figures.totals.unnamed_files > 0 {
        let files = texts.count("file", figures.totals.unnamed_files);
        lines.push(Status {
            holds: false,
            words: texts.fill("status.unnamed", &[("files", &files)]),
        });
    }
    if let Some(load) = &figures.load {
        let rows = texts.count("row", load.files.iter().map(|f| f.rows).sum());
        let words = texts.fill("status.load", &[("target", &load.target), ("rows", &rows)]);
        lines.push(Status { holds: true, words });
    }
    lines
}

#[derive(Debug, Serialize)]
struct Tile {
    section: &'static str,
    value: String,
    label: String,
    note: String,
}

fn tiles(figures: &Figures, texts: Texts) -> Vec<Tile> {
    let totals = &figures.totals;
    let tile = |section, n: u64, label: &str, note: String| Tile {
        section,
        value: texts.number(n),
        label: texts.form(&format!("tile.{label}"), n),
        note,
    };
    let note = |key: &str, values: &[(&str, &str)]| texts.fill(&format!("tile.{key}"), values);
    let counted = |key: &str, name: &str, n: u64| {
        texts.form(&format!("tile.{key}"), n).replace(name, &texts.number(n))
    };
    let mut tiles = vec![
        tile(
            "reconciliation",
            totals.rows,
            "rows",
            note(
                "rows_note",
                &[
                    ("files", &texts.count("file", totals.files)),
                    ("sources", &texts.count("source", totals.sources)),
                ],
            ),
        ),
        tile(
            "duplicates",
            totals.records,
            "records",
            counted("records_note", "{merged}", totals.merged),
        ),
    ];
    for (kind, &n) in totals.golden_by_kind.iter().rev() {
        let records = totals.records_by_kind.get(kind).copied().unwrap_or(0);
        let note = note("from", &[("records", &texts.count("record", records))]);
        tiles.push(tile("duplicates", n, kind, note));
    }
    tiles.push(tile(
        "review",
        totals.review_pairs,
        "review",
        note("review_note", &[("golden", &texts.count("golden", totals.golden_in_review))]),
    ));
    tiles.push(tile(
        "rejects",
        totals.rejected_rows,
        "rejected",
        counted("rejected_note", "{n}", totals.rejected_cells),
    ));
    let lines = figures.history.iter().map(|h| h.rows).sum();
    if lines > 0 {
        let orphans = figures.history.iter().map(|h| h.orphans).sum();
        let note = note("history_note", &[("n", &texts.number(orphans))]);
        tiles.push(tile("reconciliation", lines, "history", note));
    }
    if let Some(consent) = &figures.consent {
        let note = counted("objections_note", "{n}", consent.objections_lost);
        tiles.push(tile("consent", consent.objections, "objections", note));
    }
    tiles
}

#[derive(Debug, Serialize)]
struct IdentityView {
    holds: bool,
    words: String,
    parts: String,
    equation: String,
}

fn identities(figures: &Figures, texts: Texts) -> Vec<IdentityView> {
    let view = |identity: &Identity| {
        let sum: Vec<String> = identity.right.iter().map(|&n| texts.number(n)).collect();
        let equal = identity.left == identity.right.iter().sum::<u64>();
        let sign = if equal { "=" } else { "≠" };
        IdentityView {
            holds: identity.holds,
            words: texts.text(&format!("identity.{}", identity.key)),
            parts: texts.text(&format!("identity.{}_parts", identity.key)),
            equation: format!("{} {sign} {}", texts.number(identity.left), sum.join(" + ")),
        }
    };
    figures.identities.iter().map(view).collect()
}

/// From rows to load files. Rows become records of another number, so that a ribbon may widen there.
fn flow(figures: &Figures, texts: Texts) -> String {
    let totals = &figures.totals;
    let word = |key: &str| texts.text(&format!("reconciliation.{key}"));
    let node = |label: &str, value: u64, tone| Node {
        label: texts.form(&format!("reconciliation.{label}"), value),
        value,
        tone,
    };
    let through = |from, to, value| Ribbon { from, to, leaving: value, arriving: value };
    let fates: Vec<(&str, u64, &str)> = [
        ("node_record_rows", totals.record_rows, "blue"),
        ("node_history", totals.history_rows, "teal"),
        ("node_skipped", totals.skipped_rows, "grey"),
        ("node_rejected", totals.rejected_rows, "red"),
    ]
    .into_iter()
    .filter(|(_, n, _)| *n > 0)
    .collect();
    let kinds: Vec<(&String, u64, u64)> = totals
        .records_by_kind
        .iter()
        .map(|(kind, &n)| (kind, n, totals.golden_by_kind.get(kind).copied().unwrap_or(0)))
        .collect();
    let golden_tone = |at: usize| if at == 0 { "gold" } else { "gold2" };

    let rows = Stage {
        title: word("stage_rows"),
        nodes: vec![node("node_rows", totals.rows, "ink")],
        ribbons: fates.iter().enumerate().map(|(to, &(_, n, _))| through(0, to, n)).collect(),
    };
    let given = |n: u64| share_of(totals.record_rows, n, totals.records);
    let fate = Stage {
        title: word("stage_fate"),
        nodes: fates.iter().map(|&(label, n, tone)| node(label, n, tone)).collect(),
        // Only the rows that gave records go on; they are the first station where there are any.
        ribbons: kinds
            .iter()
            .enumerate()
            .map(|(to, &(_, n, _))| Ribbon { from: 0, to, leaving: given(n), arriving: n })
            .collect(),
    };
    let merged_at = kinds.len();
    let records = Stage {
        title: word("stage_records"),
        nodes: kinds
            .iter()
            .enumerate()
            .map(|(at, (kind, n, _))| {
                node(&format!("node_{kind}"), *n, ["blue", "blue2"][at.min(1)])
            })
            .collect(),
        ribbons: kinds
            .iter()
            .enumerate()
            .flat_map(|(at, &(_, n, golden))| {
                [through(at, at, golden), through(at, merged_at, n.saturating_sub(golden))]
            })
            .collect(),
    };
    let loaded = figures.load.as_ref().map_or(0, |load| load.loaded.min(totals.golden));
    let left_out = totals.golden.saturating_sub(loaded);
    let mut golden_nodes: Vec<Node> = kinds
        .iter()
        .enumerate()
        .map(|(at, (kind, _, golden))| node(&format!("node_{kind}"), *golden, golden_tone(at)))
        .collect();
    golden_nodes.push(node("node_merged", totals.merged, "grey"));
    let to_load = |(at, &(_, _, golden)): (usize, &(&String, u64, u64))| {
        let into = share_of(loaded, golden, totals.golden);
        [through(at, 0, into), through(at, 1, golden - into.min(golden))]
    };
    let golden = Stage {
        title: word("stage_golden"),
        nodes: golden_nodes,
        ribbons: match &figures.load {
            Some(_) => kinds.iter().enumerate().flat_map(to_load).collect(),
            None => Vec::new(),
        },
    };
    let mut stages = vec![rows, fate, records, golden];
    if figures.load.is_some() {
        stages.push(Stage {
            title: word("stage_load"),
            nodes: vec![
                node("node_loaded", loaded, "green"),
                node("node_left_out", left_out, "amber"),
            ],
            ribbons: Vec::new(),
        });
    }
    let description = texts.fill(
        "reconciliation.flow_description",
        &[
            ("rows", &texts.count("row", totals.rows)),
            ("records", &texts.count("record", totals.records)),
            ("golden", &texts.count("golden", totals.golden)),
        ],
    );
    chart::flow(&Caption { title: word("flow_title"), description }, &stages, texts)
}

/// `part` of `whole`, taken of `of`: where a drawing needs a share and the exact one is not known.
fn share_of(of: u64, part: u64, whole: u64) -> u64 {
    (u128::from(of) * u128::from(part) / u128::from(whole.max(1))) as u64
}

fn quality(figures: &Figures) -> Vec<Value> {
    let mut kinds: BTreeMap<&str, [Vec<Value>; 2]> = BTreeMap::new();
    let mut sources: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for attribute in &figures.attributes {
        for (source, quality) in &attribute.sources {
            let records = sources.entry(&attribute.kind).or_default().entry(source).or_default();
            *records = quality.records.max(*records);
        }
        let extra = usize::from(attribute.attribute.starts_with(EXTRA));
        kinds.entry(&attribute.kind).or_default()[extra].push(context! {
            part => model::attribute(&attribute.attribute).is_some_and(|a| a.part),
            ..seen(attribute)
        });
    }
    let view = |(kind, [attributes, extras]): (&str, [Vec<Value>; 2])| {
        let sources: Vec<Value> = sources[kind]
            .iter()
            .map(|(source, records)| context! { source => *source, records => *records })
            .collect();
        context! { kind, attributes, extras, sources }
    };
    kinds.into_iter().map(view).collect()
}

fn duplicates(duplicates: &Duplicates, texts: Texts) -> Value {
    let most = duplicates.shared.iter().flatten().max().copied().unwrap_or(0);
    context! {
        most,
        chart => Value::from_safe_string(sizes_chart(duplicates, texts)),
        ..seen(duplicates)
    }
}

fn sizes_chart(duplicates: &Duplicates, texts: Texts) -> String {
    let largest = duplicates.sizes.keys().max().copied().unwrap_or(1);
    let last = largest.clamp(1, SIZES_SHOWN);
    let bars = (1..=last).map(|size| {
        let shared = size == last && largest > last;
        let of_size = |at: &u64| if shared { *at >= size } else { *at == size };
        let value = duplicates.sizes.iter().filter(|(at, _)| of_size(at)).map(|(_, n)| n).sum();
        let label = format!("{}{}", texts.number(size), if shared { "+" } else { "" });
        let hint = texts.fill(
            "duplicates.bar",
            &[
                ("golden", &texts.count("golden", value)),
                (
                    "records",
                    &format!("{}{}", texts.count("record", size), if shared { " +" } else { "" }),
                ),
            ],
        );
        Bar { label, hint, value, tone: if size == 1 { "grey" } else { "gold" } }
    });
    let alone = duplicates.sizes.get(&1).copied().unwrap_or(0);
    let description = texts.fill(
        "duplicates.sizes_description",
        &[("alone", &texts.number(alone)), ("largest", &texts.count("record", largest))],
    );
    let histogram = Histogram {
        caption: Caption { title: texts.text("duplicates.sizes_title"), description },
        bars: bars.collect(),
        numbered: true,
        ..Histogram::default()
    };
    chart::histogram(&histogram, texts)
}

fn matching(matching: &Matching, texts: Texts) -> Value {
    let zone = |from: f64, to: f64| -> u64 {
        let within = |bits: &&i64| (**bits as f64) >= from && (**bits as f64) < to;
        matching.weights.iter().filter(|(bits, _)| within(bits)).map(|(_, n)| n).sum()
    };
    let (review, merge) = lines_in_whole_bits(matching);
    let possible = matching.records * matching.records.saturating_sub(1) / 2;
    let line = |bits: f64| texts.bits((bits * 100.0).round() as i32);
    context! {
        of_all => texts.percent(matching.candidate_pairs, possible),
        outcomes => outcomes(matching),
        // In tenths of a percent: most losses are small.
        lost => matching.blocking_loss.map(|share| {
            texts.decimal(&format!("{:.1}", share * 100.0))
        }),
        separate => zone(f64::NEG_INFINITY, review),
        review => zone(review, merge),
        merge => zone(merge, f64::INFINITY),
        merge_line => line(matching.merge_bits),
        review_line => line(matching.review_bits),
        chart => Value::from_safe_string(weights_chart(matching, texts)),
        ..seen(matching)
    }
}

/// The pairs of each zone in the end, the matches among them, and the errors: what is merged and should not be, or is
/// not and should be.
fn outcomes(matching: &Matching) -> Vec<Value> {
    let whole = |pairs: f64| pairs.round() as u64;
    let decided = matching.merged_pairs + matching.review_pairs;
    let wrong = whole(matching.expected_false_merges).min(matching.merged_pairs);
    let waiting = whole(matching.expected_review_matches);
    let missed = whole(matching.expected_missed);
    [
        ("merge", matching.merged_pairs, matching.merged_pairs - wrong, Some(wrong)),
        ("review", matching.review_pairs, waiting, None),
        ("separate", matching.candidate_pairs.saturating_sub(decided), missed, Some(missed)),
    ]
    .map(|(zone, pairs, matches, errors)| context! { zone, pairs, matches, errors })
    .into()
}

/// Where review and merge begin, among weights that are known to the whole bit: in doubt, review.
fn lines_in_whole_bits(matching: &Matching) -> (f64, f64) {
    (matching.review_bits.floor(), matching.merge_bits.ceil())
}

fn weights_chart(matching: &Matching, texts: Texts) -> String {
    let (low, high) = (*WEIGHTS_SHOWN.start(), *WEIGHTS_SHOWN.end());
    let mut weights: BTreeMap<i64, u64> = BTreeMap::new();
    for (&bits, n) in &matching.weights {
        *weights.entry(bits.clamp(low, high)).or_insert(0) += n;
    }
    let lines = [matching.review_bits.floor() as i64, matching.merge_bits.ceil() as i64];
    let first = weights.keys().chain(&lines).min().copied().unwrap_or(0);
    let last = weights.keys().chain(&lines).max().copied().unwrap_or(0);
    let (review, merge) = lines_in_whole_bits(matching);
    let bits = |n: i64| texts.bits((n * 100) as i32);
    let bars = (first..=last).map(|at| {
        let value = weights.get(&at).copied().unwrap_or(0);
        let tone = match at as f64 {
            b if b >= merge => "green",
            b if b >= review => "amber",
            _ => "grey",
        };
        let label =
            if at % 10 == 0 { at.to_string().replace('-', "\u{2212}") } else { String::new() };
        let pairs = texts.count("pair", value);
        let hint = texts.fill("matching.bar", &[("bits", &bits(at)), ("pairs", &pairs)]);
        Bar { label, hint, value, tone }
    });
    let mark = |at: f64, key: &str, left| Mark {
        at: at - first as f64,
        label: texts.fill(key, &[("bits", &texts.bits((at * 100.0).round() as i32))]),
        left,
    };
    let histogram = Histogram {
        caption: Caption {
            title: texts.text("matching.title"),
            description: texts.text("matching.caption"),
        },
        bars: bars.collect(),
        marks: vec![
            mark(matching.review_bits, "matching.review_from", true),
            mark(matching.merge_bits, "matching.merge_from", false),
        ],
        logarithmic: true,
        numbered: false,
    };
    chart::histogram(&histogram, texts)
}

fn clusters(input: &Input<'_>, figures: &Figures) -> Vec<Value> {
    let kinds = golden_kinds(input);
    let view = |cluster: &super::figures::Cluster| {
        let golden = kinds.iter().find(|(kind, _)| *kind == cluster.of);
        let name = golden.map(|(kind, g)| pairs::golden_name(g, cluster.at, *kind));
        context! { name, ..seen(cluster) }
    };
    figures.clusters.iter().take(CLUSTERS_SHOWN).map(view).collect()
}

fn consent_view(consent: &Consent, texts: Texts) -> Value {
    #[derive(Serialize)]
    struct Row {
        source: String,
        channel: String,
        counts: Vec<u64>,
        total: u64,
    }
    let states_in = |used: &dyn Fn(&str) -> bool| -> Vec<(&'static str, &'static str)> {
        STATES.into_iter().filter(|(state, _)| used(state)).collect()
    };
    let states = states_in(&|s| consent.golden.values().any(|c| c.contains_key(s)));
    let event_states = states_in(&|s| consent.events.iter().any(|(_, _, state, _)| state == s));
    let legend = |states: &[(&str, &str)]| -> Vec<Value> {
        states.iter().map(|(state, tone)| context! { state => *state, tone => *tone }).collect()
    };
    let channels = Channel::ALL.into_iter().map(Channel::as_str);
    let channels: Vec<_> = channels.filter_map(|c| Some((c, consent.golden.get(c)?))).collect();
    let rows = channels.iter().map(|(channel, counts)| Row {
        source: String::new(),
        channel: (*channel).to_owned(),
        counts: states.iter().map(|(s, _)| counts.get(*s).copied().unwrap_or(0)).collect(),
        total: counts.values().sum(),
    });
    let mut events: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for (source, channel, state, n) in &consent.events {
        let counts = events.entry((source, channel)).or_insert_with(|| vec![0; event_states.len()]);
        if let Some(at) = event_states.iter().position(|(s, _)| s == state) {
            counts[at] += n;
        }
    }
    let event_rows = events.into_iter().map(|((source, channel), counts)| Row {
        source: source.to_owned(),
        channel: channel.to_owned(),
        total: counts.iter().sum(),
        counts,
    });
    let stack = |(channel, counts): &(&str, &BTreeMap<&str, u64>)| Stack {
        label: texts.word("channel", channel),
        parts: states
            .iter()
            .map(|(state, tone)| Part {
                label: texts.word("state", state),
                value: counts.get(*state).copied().unwrap_or(0),
                tone,
            })
            .collect(),
    };
    let stacks: Vec<Stack> = channels.iter().map(stack).collect();
    let caption = Caption {
        title: texts.text("consent.chart"),
        description: texts.text("consent.chart_description"),
    };
    context! {
        unknown => channels.iter().filter_map(|(_, c)| c.get("unknown")).sum::<u64>(),
        contact_points => channels.iter().flat_map(|(_, c)| c.values()).sum::<u64>(),
        states => legend(&states),
        event_states => legend(&event_states),
        consent_rows => seen(rows.collect::<Vec<_>>()),
        event_rows => seen(event_rows.collect::<Vec<_>>()),
        consent_chart => Value::from_safe_string(chart::stacks(&caption, &stacks, texts)),
    }
}
