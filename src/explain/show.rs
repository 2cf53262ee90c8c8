//! What is explained, as text for people.

use std::fmt::{self, Write};

use super::{
    Candidate, Cell, Disagreement, Explained, Golden, GoldenValue, Lines, Mention, Pair, Record,
    Verdict,
};
use crate::{model, score::Explanation, table, value::text};

/// Characters of a value shown; `--json` has all.
const MOST_SHOWN: usize = 44;
/// What is less does not show.
const LEAST_SHOWN_BITS: f64 = 0.05;

impl Mention {
    /// Where it stands, as a name that `explain` takes: `file:row` or `file!sheet:row`.
    pub fn place(&self) -> String {
        table::address(&self.file, &self.sheet, self.row)
    }

    fn cells(&self) -> Vec<String> {
        vec![self.record_id.clone(), self.place(), self.name.clone()]
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Explained::Golden(golden) => of_golden(golden),
            Explained::Record(record) => of_record(record),
            Explained::Pair(pair) => of_pair(pair),
        };
        f.write_str(text.trim_end())
    }
}

fn of_golden(golden: &Golden) -> String {
    let mut text = format!("{} is made of\n", golden.golden_id);
    text += &table("  ", golden.records.iter().map(Mention::cells).collect());
    for decision in &golden.decisions {
        text += &format!("\ndecided, {decision}\n");
    }
    for GoldenValue { attribute, value, record_id, place, rule, outcome, losers } in &golden.values
    {
        let place = place.as_ref().unwrap_or(record_id);
        text += &format!("\n{attribute}: {value}\n  from {place} ({rule}, {outcome})\n");
        for loser in losers {
            let place = loser.place.as_ref().unwrap_or(&loser.record_id);
            // The parts of a sum stand before what lost.
            text += &match loser.value.strip_prefix("+ ").filter(|_| rule == "sum") {
                Some(part) => format!("  adds {part} from {place}\n"),
                None => format!("  not {} from {place}\n", loser.value),
            };
        }
    }
    for Disagreement { attribute, rule, said } in &golden.conflicts {
        text += &format!("\n{attribute}: the records do not agree ({rule})\n");
        for said in said {
            let place = said.place.as_ref().unwrap_or(&said.record_id);
            text += &format!("  {} says {place}\n", said.value);
        }
    }
    text
}

fn of_record(record: &Record) -> String {
    let mut text = table("", vec![record.record.cells()]);
    text += &format!("is in {}.\n\n", record.record.golden_id);
    let mut cells =
        vec![["attribute", "column", "as written", "as understood"].map(String::from).to_vec()];
    cells.extend(record.values.iter().map(|cell| {
        vec![cell.attribute.clone(), joined(&cell.columns), joined(&cell.raw), understood(cell)]
    }));
    text += &table("", cells);
    if record.candidates.is_empty() {
        return text + "\nNo other record is of its kind.";
    }
    text += &format!("\nMost like it ({}):\n", lines(record.lines));
    let line = |c: &Candidate| {
        let together = if c.together { "together" } else { "apart" };
        let verdict = word(c.verdict);
        [vec![format!("{:>6.1}", c.weight_bits), verdict.into(), together.into()], c.record.cells()]
            .concat()
    };
    text + &table("", record.candidates.iter().map(line).collect())
}

/// What became of what is written in a cell.
fn understood(cell: &Cell) -> String {
    let part = model::attribute(&cell.attribute).is_some_and(|attribute| attribute.part);
    let rejected = match cell.rejected.is_empty() {
        true => String::new(),
        false => format!("rejected: {}", cell.rejected.join(", ")),
    };
    let known = match cell.issues.is_empty() {
        true => rejected.clone(),
        false => [rejected.clone(), cell.issues.join("; ")].join(" ").trim().to_owned(),
    };
    let kind = model::value_kind(&cell.attribute);
    let blank = |value: &String| text::is_placeholder_of(kind, &value.to_lowercase());
    match joined(&cell.clean) {
        clean if clean.is_empty() && part && rejected.is_empty() => "see address".into(),
        clean if clean.is_empty() && rejected.is_empty() && cell.raw.iter().all(blank) => {
            "a placeholder: no value".into()
        }
        clean if clean.is_empty() => rejected,
        clean => {
            let clean = if cell.clean == cell.raw { "=".into() } else { clean };
            if known.is_empty() { clean } else { format!("{clean} ({known})") }
        }
    }
}

fn of_pair(pair: &Pair) -> String {
    let Pair { left, right, .. } = pair;
    let mut text = table("", vec![left.cells(), right.cells()]);
    text += &match pair.together {
        true => format!("are together in {}.\n", left.golden_id),
        false => format!("are apart, in {} and {}.\n", left.golden_id, right.golden_id),
    };
    if pair.strongest_of > 1 {
        text += &format!("It is the strongest of {} pairs between them.\n", pair.strongest_of);
    }
    text.push('\n');
    let sides =
        pair.values.iter().map(|s| vec![s.attribute.clone(), joined(&s.left), joined(&s.right)]);
    text += &table("", sides.collect());
    text.push('\n');
    text += &of_bits(&pair.explanation);
    let verdict = word(pair.verdict);
    text += &format!(
        "{:>7.1}           in all: {verdict} ({})\n",
        pair.explanation.weight_bits,
        lines(pair.lines)
    );
    if !pair.chain.is_empty() {
        text += &of_chain(pair);
    }
    for decision in &pair.joined_by {
        text += &format!("\nTheir golden record is one by decision, {decision}.\n");
    }
    if let Some(reason) = &pair.held_apart {
        text += &format!("\nThey are held apart: {reason}.\n");
    }
    text
}

fn of_bits(explanation: &Explanation) -> String {
    let mut text = String::from("   bits   rarity  comparison\n");
    let mut line = |bits: f64, rarity: f64, what: &str| {
        let rarity =
            if rarity.abs() < LEAST_SHOWN_BITS { String::new() } else { format!("{rarity:+.1}") };
        // A zero has no sign for people.
        let _ = writeln!(text, "{:>7.1}  {rarity:>7}  {what}", bits + 0.0);
    };
    line(explanation.prior_bits, 0.0, "before any comparison: how rare matches are");
    let missing = "a value is missing";
    let (compared, not): (Vec<_>, Vec<_>) =
        explanation.reasons.iter().partition(|r| r.level != missing);
    for reason in compared {
        line(reason.bits, reason.rarity_bits, &format!("{}: {}", reason.comparison, reason.level));
    }
    if explanation.relation_bits.abs() >= LEAST_SHOWN_BITS {
        line(explanation.relation_bits, 0.0, "since they may be related instead");
    }
    if !not.is_empty() {
        let names: Vec<&str> = not.iter().map(|r| r.comparison.as_str()).collect();
        line(0.0, 0.0, &format!("{missing}: {}", names.join(", ")));
    }
    text
}

fn of_chain(pair: &Pair) -> String {
    if pair.chain.len() == 1 {
        return "\nNo other record joins them.\n".into();
    }
    let mut rows = vec![[vec![String::new()], pair.left.cells()].concat()];
    rows.extend(
        pair.chain
            .iter()
            .map(|step| [vec![format!("{:>6.1}", step.weight_bits)], step.right.cells()].concat()),
    );
    format!(
        "\nThe strongest pairs that join them, with the bits of each record and the one above it:\n{}",
        table("", rows)
    )
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Merge => "merge",
        Verdict::Review => "review",
        Verdict::Separate => "separate",
    }
}

fn lines(lines: Lines) -> String {
    let Lines { merge_bits, review_bits, known } = lines;
    let note = if known { "" } else { ", by default: the run has no report" };
    format!("merge from {merge_bits:.1}, review from {review_bits:.1}{note}")
}

/// Values on one line, cut when too long.
fn joined(values: &[String]) -> String {
    let text = values.join(" | ").replace(['\n', '\r', '\t'], " ");
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Cells in columns, two blanks apart.
fn table(indent: &str, rows: Vec<Vec<String>>) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |c| c.chars().count());
    let widths: Vec<usize> =
        (0..columns).map(|c| rows.iter().map(|row| cell(row, c)).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text += &format!("{indent}{}\n", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_whatever_the_alphabet() {
        let rows = [["Hélène", "x"], ["Ann", "y"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(table(" ", rows.to_vec()), " Hélène  x\n Ann     y\n");
    }

    #[test]
    fn a_long_value_is_cut_between_letters() {
        let text = joined(&["é".repeat(50)]);
        assert_eq!(text.chars().count(), MOST_SHOWN + 1);
    }
}
