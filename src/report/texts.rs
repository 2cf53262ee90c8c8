//! The words of the report in one language, and numbers as that language writes them.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::model::Lang;

/// One text in both languages: they stand side by side so that neither is forgotten.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    en: String,
    fr: String,
}

impl Text {
    fn in_language(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Fr => &self.fr,
        }
    }
}

/// All texts, by section and key.
fn all() -> &'static BTreeMap<String, BTreeMap<String, Text>> {
    static ALL: LazyLock<BTreeMap<String, BTreeMap<String, Text>>> = LazyLock::new(|| {
        toml::from_str(include_str!("texts.toml"))
            .expect("the built-in texts are checked by a test")
    });
    &ALL
}

/// What stages have to say of files and values, by their own words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remarks {
    remark: Vec<Text>,
}

static REMARKS: LazyLock<Vec<Text>> = LazyLock::new(|| {
    let remarks: Remarks = toml::from_str(include_str!("remarks.toml"))
        .expect("the built-in remarks are checked by a test");
    remarks.remark
});

/// What stands in the place of each `{}` of `pattern` in `text`; none where the rest differs.
fn filled<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let Some((start, pattern)) = pattern.split_once("{}") else {
        return (pattern == text).then(Vec::new);
    };
    let mut parts: Vec<&str> = pattern.split("{}").collect();
    let end = parts.pop().unwrap_or_default();
    let mut rest = text.strip_prefix(start)?.strip_suffix(end)?;
    let mut found = Vec::new();
    for part in parts {
        let (value, behind) = rest.split_once(part)?;
        found.push(value);
        rest = behind;
    }
    found.push(rest);
    Some(found)
}

/// The texts of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts(pub(crate) Lang);

impl Texts {
    /// The text `section.key`, if there is one.
    pub(crate) fn find(self, section: &str, key: &str) -> Option<&'static str> {
        Some(all().get(section)?.get(key)?.in_language(self.0))
    }

    /// The text `section.key`; one that is missing shows its name, and a test says that none is.
    pub(crate) fn text(self, path: &str) -> String {
        let (section, key) = path.split_once('.').unwrap_or(("", path));
        self.find(section, key).map_or_else(|| format!("[{path}]"), str::to_owned)
    }

    /// The word for a code that a stage made; a code without a word of its own is shown as it is.
    pub(crate) fn word(self, section: &str, code: &str) -> String {
        let is_code = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let plain = || if is_code { code.replace('_', " ") } else { code.to_owned() };
        self.find(section, code).map_or_else(plain, str::to_owned)
    }

    /// The text `section.key` with each `{name}` replaced.
    pub(crate) fn fill(self, path: &str, values: &[(&str, &str)]) -> String {
        let mut text = self.text(path);
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// The form of the text `section.key`, written `singular|plural`, that goes with `n`.
    pub(crate) fn form(self, path: &str, n: u64) -> String {
        let forms = self.text(path);
        let (one, many) = forms.split_once('|').unwrap_or((&forms, &forms));
        // French has the singular for zero too.
        let singular = n == 1 || n == 0 && self.0 == Lang::Fr;
        if singular { one.to_owned() } else { many.to_owned() }
    }

    /// A number with its noun in singular or plural: `1 record`, `1,234 records`.
    pub(crate) fn count(self, noun: &str, n: u64) -> String {
        format!("{}{}{}", self.number(n), self.gap(), self.form(&format!("noun.{noun}"), n))
    }

    /// What a stage says in words of its own, in this language where it is known.
    pub(crate) fn remark(self, said: &str) -> String {
        let known = REMARKS.iter().find_map(|remark| Some((remark, filled(&remark.en, said)?)));
        let Some((remark, values)) = known else { return said.to_owned() };
        let text = remark.in_language(self.0).to_owned();
        values.into_iter().fold(text, |text, value| text.replacen("{}", value, 1))
    }

    /// What is wrong with all rejects of a code; `message` where the code has no words of its own.
    pub(crate) fn reject_message(self, code: &str, message: &str) -> String {
        self.find("reject_message", code).unwrap_or(message).to_owned()
    }

    /// What to do about all rejects of a code; `suggestion` where it has no words of its own.
    pub(crate) fn reject_suggestion(self, code: &str, suggestion: &str) -> String {
        self.find("reject_suggestion", code).unwrap_or(suggestion).to_owned()
    }

    /// `1,234` or `1 234` (with narrow no-break spaces).
    pub(crate) fn number(self, n: u64) -> String {
        let digits = n.to_string();
        let mut out = String::with_capacity(digits.len() * 2);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(self.thousands());
            }
            out.push(digit);
        }
        out
    }

    /// A decimal written with a point, as this language writes it: `-1,234.50`, `-1 234,50`.
    pub(crate) fn decimal(self, text: &str) -> String {
        let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("\u{2212}", rest));
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let whole = whole.parse().map_or_else(|_| whole.to_owned(), |n| self.number(n));
        match fraction {
            "" => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}{}{fraction}", self.point()),
        }
    }

    /// A weight in bits, given in hundredths, to one decimal and with its sign: `+4.2`.
    pub(crate) fn bits(self, centibits: i32) -> String {
        let tenths = (f64::from(centibits) / 10.0).round() as i64;
        let sign = if tenths < 0 { '\u{2212}' } else { '+' };
        format!("{sign}{}{}{}", tenths.abs() / 10, self.point(), tenths.abs() % 10)
    }

    /// `part` of `whole` in whole percents. Only nothing is 0, and only all is 100.
    pub(crate) fn percent(self, part: u64, whole: u64) -> String {
        let unit = if self.0 == Lang::Fr { "\u{202f}%" } else { "%" };
        if whole == 0 {
            return "–".into();
        }
        let rounded = (u128::from(part) * 200 + u128::from(whole)) / (2 * u128::from(whole));
        match rounded {
            0 if part > 0 => format!("<\u{202f}1{unit}"),
            100.. if part < whole => format!(">\u{202f}99{unit}"),
            n => format!("{n}{unit}"),
        }
    }

    /// A size in bytes, in the largest unit that leaves a whole part.
    pub(crate) fn bytes(self, n: u64) -> String {
        let (unit_en, unit_fr, size) = match n {
            0..1_000 => ("bytes", "octets", 1),
            1_000..1_000_000 => ("kB", "ko", 1_000),
            1_000_000..1_000_000_000 => ("MB", "Mo", 1_000_000),
            _ => ("GB", "Go", 1_000_000_000),
        };
        let unit = if self.0 == Lang::Fr { unit_fr } else { unit_en };
        if size == 1 || n / size >= 10 {
            return format!("{}\u{a0}{unit}", self.number(n / size));
        }
        format!("{}{}{}\u{a0}{unit}", n / size, self.point(), n % size * 10 / size)
    }

    /// An ISO date as a person reads it: `31 December 2024`. Anything else is shown as it is.
    pub(crate) fn date(self, iso: &str) -> String {
        let mut parts = iso.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return iso.to_owned();
        };
        let (Some(name), Ok(day)) = (self.find("month", month), day.parse::<u8>()) else {
            return iso.to_owned();
        };
        match (self.0, day) {
            (Lang::Fr, 1) => format!("1er\u{a0}{name}\u{a0}{year}"),
            _ => format!("{day}\u{a0}{name}\u{a0}{year}"),
        }
    }

    /// The BCP 47 code of the language.
    pub(crate) fn code(self) -> &'static str {
        match self.0 {
            Lang::En => "en",
            Lang::Fr => "fr",
        }
    }

    fn thousands(self) -> char {
        match self.0 {
            Lang::En => ',',
            Lang::Fr => '\u{202f}',
        }
    }

    fn point(self) -> char {
        match self.0 {
            Lang::En => '.',
            Lang::Fr => ',',
        }
    }

    /// What stands between a number and its noun: French keeps them on one line.
    fn gap(self) -> char {
        match self.0 {
            Lang::En => ' ',
            Lang::Fr => '\u{a0}',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::{collections::BTreeSet, fs, path::Path};

    const EN: Texts = Texts(Lang::En);
    const FR: Texts = Texts(Lang::Fr);

    /// The `{name}`s of a text, in order of name.
    fn holes(text: &str) -> Vec<&str> {
        let mut holes: Vec<_> =
            text.split('{').skip(1).filter_map(|t| Some(t.split_once('}')?.0)).collect();
        holes.sort_unstable();
        holes.dedup();
        holes
    }

    #[test]
    fn both_languages_have_every_text_with_the_same_holes() {
        for (section, texts) in all() {
            for (key, text) in texts {
                assert!(!text.en.is_empty() && !text.fr.is_empty(), "{section}.{key}");
                assert_eq!(holes(&text.en), holes(&text.fr), "{section}.{key}");
                let plurals = |t: &str| t.matches('|').count();
                assert_eq!(plurals(&text.en), plurals(&text.fr), "{section}.{key}");
            }
        }
    }

    /// The words that stand in `text` right after `before` and a quotation mark.
    fn quoted_after<'t>(text: &'t str, before: &str) -> Vec<&'t str> {
        let after = text.split(before).skip(1).map(str::trim_start);
        after.filter_map(|rest| Some(rest.strip_prefix('"')?.split_once('"')?.0)).collect()
    }

    #[test]
    fn every_code_that_the_source_gives_a_reject_has_its_words() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut open = vec![source.clone()];
        let mut codes = BTreeSet::new();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(
                    fs::read_dir(&path).expect("readable").map(|e| e.expect("readable").path()),
                );
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path.starts_with(source.join("report"))
            {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let text = text.split("#[cfg(test)]\nmod tests {").next().expect("a first part");
                let found = [
                    " code: ",
                    "Invalid::new(",
                    "bad(self.account, ",
                    "bad(side, ",
                    "reject(number, ",
                ]
                .into_iter()
                .chain(["&column, ", "reject(row.number, \"\", ", "row.number, "])
                .flat_map(|before| quoted_after(text, before));
                codes.extend(found.filter(|code| !code.is_empty()).map(str::to_owned));
            }
        }
        assert!(codes.len() > 25 && codes.contains("no_name"), "{codes:?}");
        let without = codes.iter().filter(|code| FR.find("reject_message", code).is_none());
        assert_eq!(without.collect::<Vec<_>>(), Vec::<&String>::new());
        let known = &all()["reject_message"];
        let silent = known.keys().filter(|code| FR.find("reject_suggestion", code).is_none());
        assert_eq!(silent.collect::<Vec<_>>(), Vec::<&String>::new(), "what to do");
    }

    #[test]
    fn remarks_of_readers_are_said_in_both_languages() {
        for remark in REMARKS.iter() {
            assert_eq!(remark.en.matches("{}").count(), remark.fr.matches("{}").count());
            assert_eq!(EN.remark(&remark.en), remark.en);
            assert_eq!(FR.remark(&remark.en), remark.fr);
        }
        assert_eq!(
            FR.remark("the rows are `data`; beside them it holds `meta`, `links`"),
            "les lignes sont `data` ; à côté, il contient `meta`, `links`"
        );
        assert_eq!(
            FR.remark("3 lines were not UTF-8 and read as cp850"),
            "3 lignes n’étaient pas en UTF-8 et ont été lues comme cp850"
        );
        assert_eq!(FR.remark("something new"), "something new");
    }

    #[test]
    fn every_code_that_the_source_gives_an_issue_has_its_words() {
        let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut codes = BTreeSet::new();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(
                    fs::read_dir(&path).expect("readable").map(|e| e.expect("readable").path()),
                );
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with(file!()) {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let makers = ["Issue::known(", "Issue::likely(", "Issue::doubtful("];
                let found = makers.iter().flat_map(|before| quoted_after(&text, before));
                codes.extend(found.map(str::to_owned));
            }
        }
        assert!(codes.len() > 15 && codes.contains("zero_restored"), "{codes:?}");
        let without = codes.iter().filter(|code| FR.find("issue", code).is_none());
        assert_eq!(without.collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        assert_eq!(
            (EN.number(1234567), FR.number(1234567)),
            ("1,234,567".into(), "1\u{202f}234\u{202f}567".into())
        );
        assert_eq!((EN.number(999), FR.number(0)), ("999".into(), "0".into()));
        assert_eq!(EN.decimal("-1234.50"), "\u{2212}1,234.50");
        assert_eq!(FR.decimal("0.5"), "0,5");
        assert_eq!((EN.bits(423), FR.bits(-77)), ("+4.2".into(), "\u{2212}0,8".into()));
        assert_eq!(EN.bytes(1_540), "1.5\u{a0}kB");
        assert_eq!(FR.bytes(42_000_000), "42\u{a0}Mo");
    }

    #[test]
    fn only_nothing_is_0_percent_and_only_all_is_100() {
        assert_eq!(EN.percent(0, 1000), "0%");
        assert_eq!(EN.percent(1, 1000), "<\u{202f}1%");
        assert_eq!(EN.percent(999, 1000), ">\u{202f}99%");
        assert_eq!(EN.percent(1000, 1000), "100%");
        assert_eq!(FR.percent(1, 2), "50\u{202f}%");
        assert_eq!(EN.percent(0, 0), "–");
    }

    #[test]
    fn nouns_and_dates_follow_their_language() {
        assert_eq!(
            (EN.count("record", 0), EN.count("record", 1)),
            ("0 records".into(), "1 record".into())
        );
        assert_eq!(FR.count("file", 0), "0\u{a0}fichier");
        assert_eq!(FR.form("tile.rejected", 1), "ligne rejetée");
        assert_eq!(FR.form("tile.objections_note", 2), "{n} perdues");
        assert_eq!(EN.date("2024-12-31"), "31\u{a0}December\u{a0}2024");
        assert_eq!(FR.date("2024-05-01"), "1er\u{a0}mai\u{a0}2024");
        assert_eq!(FR.date("2024-05"), "2024-05");
    }
}
