//! Shows the numbers of all stages: one HTML page, one workbook, one JSON file.

pub(crate) mod chart;
#[cfg(test)]
mod demo;
mod figures;
pub(crate) mod html;
mod pairs;
mod profile;
pub(crate) mod texts;
mod workbook;

pub(crate) use workbook::harmless;

use std::path::Path;

use serde::{Deserialize, Serialize};

use self::{figures::Figures, profile::Profile, texts::Texts};
use crate::{
    error::{Error, Result},
    model::Lang,
    store,
    table::{Clean, Clusters, Golden, Ingested, Records, Reject},
};

/// The columns of the review sheets that `decide review` reads again, in one language.
#[derive(Debug)]
pub(crate) struct ReviewColumns {
    pub(crate) decision: String,
    pub(crate) comment: String,
    /// The id of the one record, and of the other.
    pub(crate) left: String,
    pub(crate) right: String,
    /// What a steward writes there.
    pub(crate) same: String,
    pub(crate) not_same: String,
}

/// The columns of the review sheets, language by language.
pub(crate) fn review_columns() -> Vec<ReviewColumns> {
    let of = |lang| {
        let texts = Texts(lang);
        let record = texts.text("header.record_id");
        ReviewColumns {
            decision: texts.text("header.decision"),
            comment: texts.text("header.comment"),
            left: format!("{record} A"),
            right: format!("{record} B"),
            same: texts.text("decision.same"),
            not_same: texts.text("decision.not_same"),
        }
    };
    [Lang::En, Lang::Fr].map(of).into()
}

/// The columns of a list of pairs to fill in, in the words of `lang`: what `decide review` reads, and what is known.
pub(crate) fn label_columns(lang: Lang) -> Vec<String> {
    let texts = Texts(lang);
    let one = |key: &str| texts.text(&format!("header.{key}"));
    let mut columns = ["decision", "comment", "kind", "probability", "alike"].map(one).to_vec();
    for key in ["place", "record_id"] {
        columns.extend([format!("{} A", one(key)), format!("{} B", one(key))]);
    }
    columns
}

/// What people call an attribute.
pub(crate) fn label_of(attribute: &str, lang: Lang) -> String {
    html::attribute_label(attribute, Texts(lang))
}

/// What two records of one kind say, attribute by attribute, as the review shows it; what neither says is left out.
pub(crate) fn side_by_side(records: &Records, left: u32, right: u32) -> Vec<(String, [String; 2])> {
    let kind = records.kinds[left as usize];
    let both = |attribute: &str| {
        [left, right].map(|record| pairs::shown(records, attribute, record as usize).join(", "))
    };
    let attributes = pairs::attributes(records, kind).into_iter();
    let values = attributes.map(|attribute| (attribute.to_owned(), both(attribute)));
    values.filter(|(_, both)| both.iter().any(|value| !value.is_empty())).collect()
}

/// The style sheet of every page.
pub(crate) const PAGE_STYLE: &str = include_str!("page.css");

/// Everything the report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Name of the project, or of the file in `dedupe`.
    pub title: &'a str,
    /// The date that "now" is: ISO.
    pub as_of: &'a str,
    /// Numbers of ingest.
    pub ingest: &'a crate::ingest::Metrics,
    /// Numbers of normalize.
    pub normalize: &'a crate::normalize::Metrics,
    /// Numbers of matching, per kind.
    pub matching: &'a [Matching],
    /// Numbers of consolidate.
    pub consolidate: &'a crate::consolidate::Metrics,
    /// Numbers of emit; none when no target is chosen.
    pub emit: Option<&'a crate::emit::Metrics>,
    /// Raw records.
    pub ingested: &'a Ingested,
    /// Clean records.
    pub clean: &'a Clean,
    /// Clusters and pairs for review.
    pub clusters: &'a Clusters,
    /// Golden records.
    pub golden: &'a Golden,
    /// All rejects, of all stages, sorted.
    pub rejects: &'a [Reject],
}

/// Numbers of block, score and cluster for one kind of record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Matching {
    /// `person`, `organisation`, `other`.
    pub kind: String,
    /// Records of that kind.
    pub records: u64,
    /// The blocking rules chosen, with the pairs each adds.
    pub rules: Vec<(String, u64)>,
    /// Rules of which pairs were left out because next to none of those that have no more in common match, and
    /// about how many.
    pub rules_left_out: Vec<(String, u64)>,
    /// Records that are in no block of any rule: nothing is like them.
    pub alone: u64,
    /// Records, summed over the rules, whose block was too large to be compared.
    pub uncovered: u64,
    /// Pairs that could be compared without blocking.
    pub possible_pairs: u64,
    /// Candidate pairs scored.
    pub candidate_pairs: u64,
    /// Number of candidate pairs by match weight in whole bits.
    pub weights: std::collections::BTreeMap<i64, u64>,
    /// Of the pairs that came into question those of one cluster.
    pub merged_pairs: u64,
    /// Those of two clusters that wait for a human.
    pub review_pairs: u64,
    /// Of the merged pairs those that are no match, by what is said of them.
    pub expected_false_merges: f64,
    /// Of the pairs that wait those that are a match, likewise.
    pub expected_review_matches: f64,
    /// Matches among all other candidate pairs, likewise.
    pub expected_missed: f64,
    /// Share of the matches that blocking left out, as estimated; none where all pairs were compared or
    /// too few matches tell.
    pub blocking_loss: Option<f64>,
    /// Bits from which a pair is merged.
    pub merge_bits: f64,
    /// Bits from which a pair waits for review.
    pub review_bits: f64,
    /// Clusters.
    pub cluster: crate::cluster::Metrics,
}

/// Writes `index.html`, `report.xlsx` and `report.json` into `folder`.
pub fn run(input: Input<'_>, lang: Lang, folder: &Path) -> Result<()> {
    let tables = folder.parent().unwrap_or(folder).join("tables");
    let profile = Profile::scan(&tables, &input.ingested.records, &input.clean.records);
    let figures = Figures::of(&input, &profile);
    let texts = Texts(lang);
    store::write(&folder.join("index.html"), html::page(&input, &figures, texts)?)?;
    workbook::write(&input, &figures, texts, &folder.join("report.xlsx"))?;
    let json = serde_json::to_string_pretty(&figures).map_err(Error::table("report.json"))?;
    store::write(&folder.join("report.json"), json + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{ConsentSaid, ConsentState};

    /// The report of the demo, as text of its files.
    fn report(demo: &demo::Demo, lang: Lang) -> (String, serde_json::Value, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        report_in(folder.path(), demo, lang)
    }

    fn report_in(
        folder: &Path,
        demo: &demo::Demo,
        lang: Lang,
    ) -> (String, serde_json::Value, Vec<u8>) {
        demo.write_tables(&folder.join("tables"));
        let report = folder.join("report");
        run(demo.input(), lang, &report).expect("a report");
        let page = store::read_text(&report.join("index.html")).expect("a page");
        let json = store::read_text(&report.join("report.json")).expect("numbers");
        let workbook = store::read(&report.join("report.xlsx")).expect("a workbook");
        (page, serde_json::from_str(&json).expect("valid JSON"), workbook)
    }

    #[test]
    fn the_page_is_whole_in_both_languages() {
        // `ORPAILLEUR_DEMO_REPORT=folder` keeps the pages, to look at them.
        let kept = std::env::var_os("ORPAILLEUR_DEMO_REPORT").map(std::path::PathBuf::from);
        let demo = demo::Demo::new();
        for lang in [Lang::En, Lang::Fr] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let folder =
                kept.as_ref().map_or(folder.path().to_owned(), |f| f.join(format!("{lang:?}")));
            let (page, _, _) = report_in(&folder, &demo, lang);
            assert!(page.ends_with("</html>"), "{}", &page[page.len() - 80..]);
            // A text that is missing shows its name in brackets.
            for section in ["page", "tile", "identity", "noun", "section", "column", "quality"] {
                assert!(!page.contains(&format!("[{section}.")), "{section} in {lang:?}");
            }
        }
    }

    #[test]
    fn the_page_needs_nothing_from_outside() {
        let (page, _, _) = report(&demo::Demo::new(), Lang::En);
        for outside in ["http:", "https:", "src=", "@import", "url(", "<script", "<link", "<iframe"]
        {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn what_the_data_hold_cannot_become_part_of_the_page() {
        let demo = demo::Demo::new();
        let (page, _, _) = report(&demo, Lang::Fr);
        assert!(page.contains("&lt;script&gt;alert"), "the company called <script> is shown");
        assert!(!page.contains("<script"));
    }

    #[test]
    fn every_identity_of_a_sound_run_holds() {
        let (_, json, _) = report(&demo::Demo::new(), Lang::En);
        for identity in json["identities"].as_array().expect("identities") {
            assert_eq!(identity["holds"], true, "{identity}");
        }
    }

    #[test]
    fn a_lost_row_a_lost_record_and_a_lost_objection_are_seen() {
        let failing = |demo: &demo::Demo| -> Vec<String> {
            let (_, json, _) = report(demo, Lang::En);
            let identities = json["identities"].as_array().expect("identities").iter();
            let failing = identities.filter(|i| i["holds"] == false);
            failing.map(|i| i["key"].as_str().expect("a key").to_owned()).collect()
        };
        let mut demo = demo::Demo::new();
        demo.ingest.tables[0].rows += 1;
        assert_eq!(failing(&demo), ["rows"]);

        let mut demo = demo::Demo::new();
        demo.golden.golden_of[3] = "nobody".into();
        assert_eq!(failing(&demo), ["crosswalk", "members"]);

        let mut demo = demo::Demo::new();
        let objection =
            demo.golden.consents.iter_mut().find(|c| c.state() == Some(ConsentState::OptOut));
        let said = &mut objection.expect("the demo has one").said;
        *said = Some(ConsentSaid::bare(ConsentState::OptIn));
        assert_eq!(failing(&demo), ["objections"]);

        let mut demo = demo::Demo::new();
        demo.golden.history[0].amount = "0.01".into();
        assert_eq!(failing(&demo), ["amounts"]);

        let mut demo = demo::Demo::new();
        demo.emit.left_out.clear();
        assert_eq!(failing(&demo), ["load"]);
    }

    #[test]
    fn the_same_run_gives_the_same_bytes() {
        let demo = demo::Demo::new();
        assert_eq!(report(&demo, Lang::Fr), report(&demo, Lang::Fr));
    }

    #[cfg(feature = "polars")]
    #[test]
    fn different_values_are_counted_from_the_tables() {
        let (_, json, _) = report(&demo::Demo::new(), Lang::En);
        let attributes = json["attributes"].as_array().expect("attributes");
        let emails = attributes
            .iter()
            .find(|a| a["attribute"] == "email" && a["kind"] == "person")
            .expect("emails");
        let (distinct, filled) = (&emails["total"]["distinct_clean"], &emails["total"]["valid"]);
        assert!(distinct.as_u64().expect("counted") > 10);
        assert!(distinct.as_u64() < filled.as_u64(), "{distinct} of {filled}");
    }

    #[test]
    fn a_plain_table_has_neither_consent_nor_load() {
        let demo = demo::Demo::plain();
        let (page, json, _) = report(&demo, Lang::En);
        assert!(json["consent"].is_null() && json["load"].is_null());
        assert!(!page.contains("id=\"consent\"") && !page.contains("id=\"load\""));
        assert!(page.contains("id=\"reconciliation\""));
    }

    #[test]
    fn nothing_at_all_is_a_report_too() {
        let demo = demo::Demo::empty();
        let (page, json, _) = report(&demo, Lang::Fr);
        assert!(page.contains("</html>"));
        assert_eq!(json["totals"]["records"], 0);
    }
}
