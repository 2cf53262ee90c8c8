//! `orpailleur.toml` as written ([`Project`]) and as it can run ([`Plan`]).
//!
//! All that can be wrong with settings is said here, at once and in file order; after that nobody
//! asks whether a setting makes sense.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    block,
    consolidate::{self, RuleProblem},
    decisions::{self, Decided, Decision, Fate},
    document::{self, Document, Located, Step, nearest},
    emit::mapping::Target,
    error::{Error, Problem, Result},
    ingest::{
        self,
        entity::LegalEntity,
        mapping::{ColumnRule, Mapping, Rows},
        read::{SEPARATOR, holder},
    },
    legacy::{self, Ignore, Unread},
    model::{self, Kind, Lang},
    normalize, owners,
    progress::Progress,
    run::Stage,
    score, store,
    table::{IdKey, NO_COUNTRY, Records, Reject},
    value::address,
    vocabulary,
};

pub use crate::legacy::{NamedFile, SETTINGS};

/// What becomes of a file that cannot be read.
const LEFT_OUT: &str = "`run` lists it as a reject and goes on with the rest, unless `--strict`";

/// `orpailleur.toml` as written: every setting has a default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Project {
    /// The migration as a whole.
    pub project: About,
    /// The legacy systems, the most trusted first.
    pub source: Vec<SourceSettings>,
    /// What must not be written.
    pub privacy: ingest::Privacy,
    /// How values are brought to their canonical form.
    pub normalize: normalize::Settings,
    /// How records are matched.
    #[serde(rename = "match")]
    pub matching: score::Settings,
    /// How many pairs are compared.
    pub block: block::Settings,
    /// How golden values are chosen.
    pub survivorship: consolidate::Settings,
    /// How long prospects and customers are kept.
    pub retention: consolidate::Retention,
    /// What goes live first.
    pub scope: consolidate::Scope,
    /// What of the history leaves as rows.
    pub history: consolidate::Documents,
    /// What is written, and where.
    pub output: Output,
}

/// The `[project]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct About {
    /// What the report calls the migration. Default: the name of the project's folder.
    pub name: String,
    /// The folder of the exports, from the project's folder. Default: `legacy`.
    pub legacy: String,
    /// Files below `legacy` that are left out on purpose, as patterns of their path: `**/~$*`, `old/*.csv`; of a
    /// sheet `clients.xlsx!Params`. Every other file that no source names is a reject. Default: hidden files, lock
    /// files and whatever else systems leave in folders.
    pub ignore: Vec<String>,
    /// The date that "now" is: `2024-12-31`. Has no default, since results must not depend on the day.
    pub as_of: String,
    /// The CRM to load: a built-in target or a file of `mappings/targets/`. Default: `salesforce`.
    pub target: String,
    /// The language of the report: `en` or `fr`. Default: `en`.
    pub lang: Lang,
    /// The file with the secret key of the record ids. Default: `registry/key`.
    pub key_file: String,
}

impl Default for About {
    fn default() -> About {
        About {
            name: String::new(),
            legacy: "legacy".into(),
            ignore: legacy::usually_ignored().map(|(glob, _)| glob.to_owned()).collect(),
            as_of: String::new(),
            target: "salesforce".into(),
            lang: Lang::default(),
            key_file: "registry/key".into(),
        }
    }
}

/// One `[[source]]`: the files of one legacy system that are read in one way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceSettings {
    /// Logical name: part of every record id, so it stays when files are renamed.
    pub name: String,
    /// Files, from the folder `legacy`.
    pub files: Vec<String>,
    /// Sheets of a workbook. Default: all.
    pub sheets: Vec<String>,
    /// How its columns are understood: a built-in mapping or a file of `mappings/`.
    pub mapping: String,
    /// The system and legal entity that issued its customer codes. Sources that share a key space
    /// share codes. Default: the source's name.
    pub key_space: String,
    /// The column that names the legal entity whose customer code a row has, and the key space of each:
    /// `{ column = "Société", key_spaces = { "Nord" = "sage-nord", "Sud" = "sage-sud" } }`. Rows with
    /// another value have the codes of `key_space`; without one theirs stand for nobody. Default: none.
    pub legal_entity: Option<LegalEntity>,
    /// ISO code of the country that its phone numbers and addresses without one are in, or `none`. Default: `country`
    /// of `[normalize]`.
    pub country: String,
    /// Age of rows without a date of their own: an ISO date. Default: unknown.
    pub dated: String,
    /// What its texts are written in, where the letters do not tell: `windows-1250`. Default: as found.
    pub encoding: String,
    /// Whether the source retires with the migration or lives on beside the CRM. Default: `retired`.
    pub continuity: Continuity,
    /// What single columns are, whatever the mapping says: header = attribute. An empty attribute
    /// keeps the column out of matching.
    pub columns: BTreeMap<String, String>,
}

/// Whether a source retires with the migration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Continuity {
    #[default]
    Retired,
    Live,
}

/// The `[output]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The folder of the runs, from the project's folder. Default: `runs`.
    pub runs: String,
}

impl Default for Output {
    fn default() -> Output {
        Output { runs: "runs".into() }
    }
}

/// What the command line says over the settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Instead of `as_of`.
    pub as_of: Option<String>,
    /// Instead of `lang`.
    pub lang: Option<Lang>,
    /// Instead of `target`.
    pub target: Option<String>,
    /// Instead of `precision`.
    pub precision: Option<f64>,
    /// The last stage to run.
    pub until: Option<Stage>,
    /// Train the model again.
    pub retrain: bool,
    /// Take nothing over from an earlier run.
    pub fresh: bool,
    /// A source that cannot be read stops the run.
    pub strict: bool,
}

impl Overrides {
    /// What makes no sense, each under the name of its option.
    fn problems(&self) -> Vec<Problem> {
        let problem = |option: &str, message: String, hint: &str| Problem {
            place: option.to_owned(),
            message,
            hint: Some(hint.to_owned()),
        };
        let mut problems = Vec::new();
        if let Some(date) = self.as_of.as_ref().filter(|date| !is_date(date)) {
            let message = format!("`{date}` is no date");
            problems.push(problem("--as-of", message, "write it as `--as-of 2024-12-31`"));
        }
        if let Some(share) = self.precision.filter(|share| !is_precision(*share)) {
            let message = format!("`{share}` is not between 0.5 and 1");
            problems.push(problem(
                "--precision",
                message,
                "0.99 merges no pair of which more than one in a hundred is wrong",
            ));
        }
        problems
    }
}

/// The setting for the country of what names none: an ISO code, in any case, or [`NO_COUNTRY`]; none for any other
/// word.
pub fn country(word: &str) -> Option<String> {
    let word = word.trim();
    if word.eq_ignore_ascii_case(NO_COUNTRY) {
        return Some(NO_COUNTRY.to_owned());
    }
    let code = word.to_uppercase();
    address::iso_country(word).filter(|iso| *iso == code).map(str::to_owned)
}

/// What `dedupe` is asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plain {
    /// The tables: path, and the name used in outputs.
    pub files: Vec<(PathBuf, String)>,
    /// The column whose value is the record key.
    pub id: Option<String>,
    /// What the rows speak of; guessed when not said.
    pub kind: Option<Kind>,
    /// ISO code of the country of what names none, or `none`; guessed when not said.
    pub country: Option<String>,
    /// The column that names the source of each row, never evidence.
    pub source: Option<String>,
    /// Compare across sources only.
    pub link_only: bool,
    /// At most one record per source in a cluster.
    pub one_to_one: bool,
}

/// What can run: paths resolved, mappings loaded, settings checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The project's folder; in `dedupe` that of the result.
    pub folder: PathBuf,
    /// What the report calls it.
    pub name: String,
    /// The folder of the exports; none in `dedupe`.
    pub legacy: Option<PathBuf>,
    /// What in it is left out on purpose.
    pub ignore: Ignore,
    /// The sources, the most trusted first; none in `dedupe`.
    pub sources: Vec<ingest::Source>,
    /// Names of the sources that live on beside the CRM.
    pub live: BTreeSet<String>,
    /// The plain tables of `dedupe`; none in a project.
    pub plain: Option<Plain>,
    /// What must not be written.
    pub privacy: ingest::Privacy,
    /// How values are normalized.
    pub normalize: normalize::Settings,
    /// How records are matched.
    pub matching: score::Settings,
    /// How many pairs are compared.
    pub block: block::Settings,
    /// How golden values are chosen.
    pub survivorship: consolidate::Settings,
    /// How long prospects and customers are kept.
    pub retention: consolidate::Retention,
    /// What goes live first.
    pub scope: consolidate::Scope,
    /// What of the history leaves as rows.
    pub history: consolidate::Documents,
    /// The users of the CRM behind what the legacy systems call owners.
    pub owners: consolidate::Owners,
    /// The CRM to load; none in `dedupe` unless asked for.
    pub target: Option<Arc<Target>>,
    /// The date that "now" is: ISO; empty for the latest one in the data, as in `dedupe` unless told.
    pub as_of: String,
    /// The secret key of the record ids; in `dedupe` the data give it.
    pub key: Option<IdKey>,
    /// Where the key is kept.
    pub key_file: PathBuf,
    /// The language of the report.
    pub lang: Lang,
    /// The folder of the runs.
    pub runs: PathBuf,
    /// Files that decide on the result besides the inputs, with their names in the manifest.
    pub rules: Vec<(PathBuf, String)>,
    /// The last stage to run.
    pub until: Option<Stage>,
    /// Train the model again.
    pub retrain: bool,
    /// Take nothing over from an earlier run.
    pub fresh: bool,
    /// A source that cannot be read stops the run.
    pub strict: bool,
}

/// A project without a problem, and what there is to say of it all the same.
#[derive(Debug)]
pub struct Checked {
    /// What can run.
    pub plan: Plan,
    /// How many values of each category have no common value yet.
    pub unmapped: BTreeMap<String, usize>,
    /// How many files and sheets are left out on purpose.
    pub ignored: usize,
}

impl Plan {
    /// Reads and checks the project in `folder`.
    ///
    /// # Errors
    ///
    /// Every problem of `orpailleur.toml` and of its mappings, at once; then also the files that are
    /// not there, which alone stop nothing: they become rejects.
    pub fn load(folder: &Path, overrides: &Overrides) -> Result<Plan> {
        let text = settings_text(folder)?;
        let document = Document::parse(SETTINGS, &text)?;
        let (project, mut problems) = document.read::<Project>();
        let plan = project.map(|project| {
            let mut checker = Checker { document: &document, folder, problems: &mut problems };
            checker.plan(project, overrides)
        });
        match plan {
            Some(plan) if problems.is_empty() => Ok(plan),
            plan => {
                problems.extend(plan.iter().flat_map(|plan| plan.missing_files(&document)));
                Err(document::in_order(problems))
            }
        }
    }

    /// Like [`Plan::load`], and reads the files as a run does: one that cannot be read is a problem
    /// as well, or one without a sheet or column that the settings name. What `check` does.
    ///
    /// A file or sheet that no source reads is a problem too, unless `ignore` names it.
    pub fn check(folder: &Path, overrides: &Overrides, progress: &Progress) -> Result<Checked> {
        let plan = Plan::load(folder, overrides)?;
        let text = settings_text(folder)?;
        let document = Document::parse(SETTINGS, &text)?;
        let key = plan.key.expect("every project has a key or gets one of its data");
        let read = ingest::run(&plan.sources, &key, progress)?;
        let unread = plan.unread(&read.metrics)?;
        let rejects = read.table.rejects.iter().chain(&unread.rejects);
        let whole = rejects.filter(|reject| reject.row.is_none());
        let mut problems: Vec<_> = whole.map(|reject| plan.problem_of(reject, &document)).collect();
        problems.extend(open_decisions(folder, &read.table.records, &key)?);
        if plan.survivorship.asks_of_data() {
            // Dates are known once they are read.
            let clean = normalize::run(&read.table, &plan.normalize, progress)?;
            let found = plan.survivorship.problems_of_data(&clean.table.records, &plan.as_of);
            problems.extend(found.into_iter().map(|found| of_rule(found, &document)));
        }
        if !problems.is_empty() {
            return Err(document::in_order(problems));
        }
        let unmapped = vocabulary::unmapped(&read.table.records, &plan.normalize.vocabulary);
        Ok(Checked { plan, unmapped, ignored: unread.skipped.len() })
    }

    /// What becomes of the files and sheets below the folder of the exports that no source reads.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn unread(&self, read: &ingest::Metrics) -> Result<Unread> {
        match &self.legacy {
            Some(legacy) => {
                let (sources, sheets) = (&self.sources, &read.unread_sheets);
                legacy::unread(legacy, &self.folder, &self.ignore, sources, sheets)
            }
            None => Ok(Unread::default()),
        }
    }

    fn missing_files(&self, document: &Document<'_>) -> Vec<Located> {
        let mut problems = Vec::new();
        for (s, source) in self.sources.iter().enumerate() {
            for (f, (path, _)) in source.files.iter().enumerate() {
                if !holder(path, "").0.exists() {
                    let message = format!("there is no file `{}`", path.display());
                    let hint = Some(LEFT_OUT.to_owned());
                    problems.push(document.problem(&file_steps(s, f), message, hint));
                }
            }
        }
        problems
    }

    /// A reject that speaks of a whole file, as a problem of the setting that names what it lacks.
    fn problem_of(&self, reject: &Reject, document: &Document<'_>) -> Located {
        if reject.source.is_empty() {
            return self.problem_of_unread(reject, document);
        }
        // An archive is named, and the reject speaks of a file in it.
        let holds = |name: &str| {
            let rest = reject.file.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR))
        };
        let named = |s: &ingest::Source| s.files.iter().position(|(_, name)| holds(name));
        let found = self.sources.iter().enumerate().find_map(|(at, source)| {
            Some((at, named(source).filter(|_| source.name == reject.source)?))
        });
        let (s, f) = found.expect("ingest names the sources and files it was given");
        let source = &self.sources[s];
        let (path, name) = &source.files[f];
        let exists = holder(path, "").0.exists();
        let within = &reject.file[name.len()..];
        let path = format!("{}{within}", path.display());
        if reject.code == "unreadable_file" {
            let message = if exists {
                format!("`{path}` cannot be used: {}", reject.message)
            } else {
                format!("there is no file `{path}`")
            };
            let known = Some(&reject.suggestion).filter(|_| exists);
            let hints = known.into_iter().filter(|hint| !hint.is_empty()).map(String::as_str);
            let hint = hints.chain([LEFT_OUT]).collect::<Vec<_>>().join("; ");
            return document.problem(&file_steps(s, f), message, Some(hint));
        }
        if source.mapping.own.iter().any(|names| names.join(" | ") == reject.column) {
            return self.misspelt(s, &path, reject, document);
        }
        let sheet = source.sheets.iter().position(|sheet| *sheet == reject.sheet);
        let steps = match sheet {
            Some(at) if reject.column.is_empty() => [Step::Key("sheets"), Step::At(at)],
            _ if source.legal_entity.as_ref().is_some_and(|e| e.column == reject.column) => {
                [Step::Key("legal_entity"), Step::Key("column")]
            }
            _ => [Step::Key("columns"), Step::Key(&reject.column)],
        };
        let steps = [&[Step::Key("source"), Step::At(s)], &steps[..]].concat();
        let place = match reject.sheet.as_str() {
            "" => format!("`{path}`"),
            sheet => format!("`{path}`, sheet `{sheet}`"),
        };
        document.problem(&steps, format!("{place}: {}", reject.message), None)
    }

    /// A file or sheet that no source reads, as a problem of the list of sources.
    fn problem_of_unread(&self, reject: &Reject, document: &Document<'_>) -> Located {
        let name = legacy::sheet_name(&reject.file, &reject.sheet);
        let message = format!("`{name}`: {}", reject.message);
        let hint = Some(reject.suggestion.clone()).filter(|hint| !hint.is_empty());
        document.problem(&[Step::Key("project"), Step::Key("ignore")], message, hint)
    }

    /// A column of a project's own mapping that no file has, at its line of the mapping.
    fn misspelt(
        &self,
        source: usize,
        path: &str,
        reject: &Reject,
        document: &Document<'_>,
    ) -> Located {
        let steps = [Step::Key("source"), Step::At(source), Step::Key("mapping")];
        let (offset, mut problem) =
            document.problem(&steps, format!("`{path}`: {}", reject.message), None);
        let name = &self.sources[source].mapping.name;
        let is_its = |file: &&NamedFile| {
            file.1.ends_with(&format!("/{name}.toml")) && !file.1.starts_with("mappings/targets/")
        };
        if let Some((file, _)) = self.rules.iter().find(is_its) {
            let first = reject.column.split(" | ").next().unwrap_or_default();
            let text = store::read_text(file).unwrap_or_default();
            let says = |line: &str| !line.trim_start().starts_with('#') && line.contains(first);
            let line = text.lines().position(says).map_or(1, |at| at + 1);
            problem.place = format!("{}:{line}", file.display());
        }
        (offset, problem)
    }

    /// The plan of `dedupe`: plain tables, every setting at its default but for `overrides`.
    ///
    /// # Errors
    ///
    /// When there is no target of that name, or `as_of` or `precision` make no sense.
    pub fn of_tables(out: &Path, plain: Plain, overrides: &Overrides) -> Result<Plan> {
        let problems = overrides.problems();
        if !problems.is_empty() {
            return Err(Error::Settings { problems });
        }
        let as_of = overrides.as_of.clone().unwrap_or_default();
        let mut matching = score::Settings::default();
        matching.precision = overrides.precision.unwrap_or(matching.precision);
        let lang = overrides.lang.unwrap_or_default();
        let target = overrides.target.as_deref().map(|name| load_target(out, name)).transpose()?;
        let target = target.map(|target| in_language(target, lang));
        let name = plain.files.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
        Ok(Plan {
            folder: out.to_owned(),
            name,
            legacy: None,
            ignore: Ignore::default(),
            sources: Vec::new(),
            live: BTreeSet::new(),
            privacy: ingest::Privacy::default(),
            normalize: normalize::Settings::default(),
            matching,
            block: block::Settings::default(),
            survivorship: consolidate::Settings::default(),
            retention: consolidate::Retention::default(),
            scope: consolidate::Scope::default(),
            history: consolidate::Documents::default(),
            owners: consolidate::Owners::default(),
            target,
            as_of,
            key: None,
            key_file: PathBuf::new(),
            lang,
            runs: PathBuf::new(),
            rules: Vec::new(),
            until: overrides.until,
            retrain: overrides.retrain,
            fresh: overrides.fresh,
            strict: overrides.strict,
            plain: Some(plain),
        })
    }

    /// The files that are read, with the names that outputs give them; of files in an archive the
    /// archive.
    pub fn inputs(&self) -> Vec<(PathBuf, String)> {
        let plain = self.plain.iter().flat_map(|plain| &plain.files);
        let inputs: Vec<_> = self.sources.iter().flat_map(|s| &s.files).chain(plain).collect();
        let mut inputs: Vec<_> = inputs.iter().map(|(path, name)| holder(path, name)).collect();
        inputs.sort_by(|a, b| a.1.cmp(&b.1));
        inputs.dedup();
        inputs
    }

    /// Keeps the key, so that record ids stay when files change.
    pub fn keep_key(&self) -> Result<()> {
        match &self.key {
            Some(key) if !self.key_file.exists() => write_key(&self.key_file, key),
            _ => Ok(()),
        }
    }
}

/// A rule that makes no sense, at its place.
fn of_rule(problem: RuleProblem, document: &Document<'_>) -> Located {
    let (kind, attribute) = (problem.kind.as_str(), problem.attribute.as_str());
    let steps = [Step::Key("survivorship"), Step::Key(kind), Step::Key(attribute)];
    document.problem(&steps, problem.message, problem.hint)
}

/// The decisions that do not hold as they were made.
fn open_decisions(folder: &Path, records: &Records, key: &IdKey) -> Result<Vec<Located>> {
    let decisions = decisions::read(folder)?;
    let decided = Decided::new(&decisions, records, key);
    let open = (1..).zip(decisions.iter().zip(&decided.fates)).filter(|(_, (_, f))| f.is_open());
    let problem = |(line, (decision, fate)): (u32, (&Decision, &Fate))| {
        let what = decision.verdict.name().replace('_', " ");
        let place = format!("{}:{line}", decisions::DECISIONS);
        let status = fate.status.as_str();
        let message = format!("`{what}` ({}) is {status}: {}", decision.id(), fate.why);
        let hint = format!("`orpailleur decide withdraw {}` takes it back", decision.id());
        (usize::MAX, Problem { place, message, hint: Some(hint) })
    };
    Ok(open.map(problem).collect())
}

/// The folder of the runs of the project in `folder`, whatever else is wrong with its settings.
pub fn runs_folder(folder: &Path) -> PathBuf {
    let project = settings_text(folder).ok().and_then(|text| {
        let document = Document::parse(SETTINGS, &text).ok()?;
        document.read::<Project>().0
    });
    folder.join(project.unwrap_or_default().output.runs)
}

fn settings_text(folder: &Path) -> Result<String> {
    let path = folder.join(SETTINGS);
    if !path.is_file() {
        return Err(Error::NotFound {
            what: "project in",
            name: folder.display().to_string(),
            hint: Some("`orpailleur init DIR --project P` makes one of a folder of exports".into()),
        });
    }
    store::read_text(&path)
}

/// Turns a project into a plan and notes what is wrong.
struct Checker<'c, 'd> {
    document: &'c Document<'d>,
    folder: &'c Path,
    problems: &'c mut Vec<Located>,
}

impl Checker<'_, '_> {
    fn plan(&mut self, project: Project, overrides: &Overrides) -> Plan {
        // Before all that the file says.
        self.problems.extend(overrides.problems().into_iter().map(|problem| (0, problem)));
        let about = project.project;
        let as_of = self.as_of(&about, overrides);
        let target = self.target(&about, overrides);
        let mut rules = vec![(self.folder.join(SETTINGS), SETTINGS.to_owned())];
        let own_target = target.iter().filter(|target| target.path.starts_with(self.folder));
        rules.extend(
            own_target.map(|target| {
                (target.path.clone(), format!("mappings/targets/{}.toml", target.name))
            }),
        );
        let mut matching = project.matching;
        if let Some(share) = overrides.precision {
            matching.precision = share;
        } else if !is_precision(matching.precision) {
            let steps = [Step::Key("match"), Step::Key("precision")];
            self.tell(&steps, "`precision` is not between 0.5 and 1".into(), None);
        }
        let problems = project.survivorship.problems().into_iter();
        self.problems.extend(problems.map(|problem| of_rule(problem, self.document)));
        let mut wrong = Vec::new();
        let (vocabulary, files) = vocabulary::load(self.folder, &mut wrong);
        let owners = owners::load(self.folder, &mut wrong);
        // Labels that are merely counted decide on nothing.
        if owners.is_filled() {
            rules.push((self.folder.join(owners::OWNERS), owners::OWNERS.to_owned()));
        }
        self.problems.extend(wrong.into_iter().map(|problem| (usize::MAX, problem)));
        rules.extend(files);
        let legacy = self.folder.join(&about.legacy);
        let ignore = self.ignore(&about.ignore);
        let sources = self.sources(&project.source, &legacy, &mut rules);
        self.country(&project.normalize.country, &[Step::Key("normalize"), Step::Key("country")]);
        let live = project.source.iter().filter(|s| s.continuity == Continuity::Live);
        let key_file = self.folder.join(&about.key_file);
        let key = Some(self.key(&key_file, &sources));
        Plan {
            folder: self.folder.to_owned(),
            name: if about.name.is_empty() { folder_name(self.folder) } else { about.name },
            legacy: Some(legacy),
            ignore,
            live: live.map(|s| s.name.clone()).collect(),
            sources,
            plain: None,
            privacy: project.privacy,
            normalize: normalize::Settings { vocabulary, ..project.normalize },
            matching,
            block: project.block,
            survivorship: project.survivorship,
            retention: self.retention(project.retention, &project.source),
            scope: self.scope(project.scope, &project.source),
            history: self.history(project.history),
            owners,
            target,
            as_of,
            key,
            key_file,
            lang: overrides.lang.unwrap_or(about.lang),
            runs: self.folder.join(&project.output.runs),
            rules,
            until: overrides.until,
            retrain: overrides.retrain,
            fresh: overrides.fresh,
            strict: overrides.strict,
        }
    }

    /// The sources of forms must be sources.
    fn retention(
        &mut self,
        retention: consolidate::Retention,
        sources: &[SourceSettings],
    ) -> consolidate::Retention {
        let names = || sources.iter().map(|source| source.name.as_str());
        for (at, form) in retention.forms.iter().enumerate() {
            if !names().any(|name| name == form) {
                let steps = [Step::Key("retention"), Step::Key("forms"), Step::At(at)];
                let message = format!("there is no source `{form}`");
                self.tell(&steps, message, nearest(form, names()));
            }
        }
        retention
    }

    /// What a scope names must be there.
    fn scope(
        &mut self,
        scope: consolidate::Scope,
        sources: &[SourceSettings],
    ) -> consolidate::Scope {
        let names = || sources.iter().map(|source| source.name.as_str());
        for (at, source) in scope.sources.iter().enumerate() {
            if !names().any(|name| name == source) {
                let steps = [Step::Key("scope"), Step::Key("sources"), Step::At(at)];
                let message = format!("there is no source `{source}`");
                self.tell(&steps, message, nearest(source, names()));
            }
        }
        for (at, filter) in scope.filter.iter().enumerate() {
            let attribute = filter.attribute.as_str();
            if model::attribute(attribute).is_none()
                && !consolidate::Filter::FACTS.contains(&attribute)
            {
                let steps = [Step::Key("scope"), Step::Key("filter"), Step::At(at)];
                let attributes = model::attributes().keys().map(String::as_str);
                let message = format!("there is no attribute `{attribute}`");
                self.tell(&steps, message, nearest(attribute, attributes));
            }
        }
        scope
    }

    fn history(&mut self, history: consolidate::Documents) -> consolidate::Documents {
        if !history.since.is_empty() && !is_date(&history.since) {
            let steps = [Step::Key("history"), Step::Key("since")];
            let message = format!("`since` is no date: `{}`", history.since);
            self.tell(&steps, message, Some("write it as `2020-01-01`".into()));
        }
        history
    }

    fn tell(&mut self, steps: &[Step<'_>], message: String, hint: Option<String>) {
        self.problems.push(self.document.problem(steps, message, hint));
    }

    fn ignore(&mut self, globs: &[String]) -> Ignore {
        let (ignore, wrong) = Ignore::new(globs);
        for (at, message) in wrong {
            let steps = [Step::Key("project"), Step::Key("ignore"), Step::At(at)];
            let hint = "`*` stands for any letters but `/`, `**/` for any folders".to_owned();
            self.tell(&steps, message, Some(hint));
        }
        ignore
    }

    fn as_of(&mut self, about: &About, overrides: &Overrides) -> String {
        if let Some(as_of) = &overrides.as_of {
            return as_of.clone();
        }
        if !is_date(&about.as_of) {
            let message = match about.as_of.as_str() {
                "" => "`as_of` is missing".to_owned(),
                other => format!("`as_of` is no date: `{other}`"),
            };
            let hint = "write the day of the exports as `as_of = \"2024-12-31\"`".to_owned();
            self.tell(&[Step::Key("project"), Step::Key("as_of")], message, Some(hint));
        }
        about.as_of.clone()
    }

    fn target(&mut self, about: &About, overrides: &Overrides) -> Option<Arc<Target>> {
        let name = overrides.target.as_ref().unwrap_or(&about.target);
        match load_target(self.folder, name) {
            Ok(target) => Some(in_language(target, overrides.lang.unwrap_or(about.lang))),
            Err(Error::Settings { problems }) => {
                self.problems.extend(problems.into_iter().map(|p| (usize::MAX, p)));
                None
            }
            Err(error) if overrides.target.is_some() => {
                let place = "--target".to_owned();
                let problem = Problem { place, message: error.to_string(), hint: error.hint() };
                self.problems.push((0, problem));
                None
            }
            Err(error) => {
                let steps = [Step::Key("project"), Step::Key("target")];
                self.tell(&steps, error.to_string(), error.hint());
                None
            }
        }
    }

    fn sources(
        &mut self,
        written: &[SourceSettings],
        legacy: &Path,
        rules: &mut Vec<(PathBuf, String)>,
    ) -> Vec<ingest::Source> {
        if written.is_empty() {
            let hint = "write a `[[source]]` with `name`, `files` and `mapping`".to_owned();
            self.tell(&[], "there is no `[[source]]`".into(), Some(hint));
        }
        let mut sources: Vec<ingest::Source> = Vec::new();
        for (at, source) in written.iter().enumerate() {
            let steps = |key| [Step::Key("source"), Step::At(at), Step::Key(key)];
            if source.name.trim().is_empty() {
                self.tell(&steps("name"), "a source has no `name`".into(), None);
            } else if sources.iter().any(|s| s.name == source.name) {
                let message = format!("two sources are called `{}`", source.name);
                self.tell(&steps("name"), message, None);
            }
            if source.files.is_empty() {
                self.tell(
                    &steps("files"),
                    format!("the source `{}` has no file", source.name),
                    None,
                );
            }
            if !source.dated.is_empty() && !is_date(&source.dated) {
                let message = format!("`dated` is no date: `{}`", source.dated);
                self.tell(&steps("dated"), message, Some("write it as `2009-06-30`".into()));
            }
            let mapping = self.mapping(source, at, rules);
            let files: Vec<_> =
                source.files.iter().map(|file| (legacy.join(file), output_name(file))).collect();
            for (f, (_, name)) in files.iter().enumerate() {
                if let Some(other) = sources.iter().find(|s| reads_too(s, name, &source.sheets)) {
                    let message =
                        format!("`{name}` is already read by the source `{}`", other.name);
                    let hint = Some("name the `sheets` of each, or leave it out of one".to_owned());
                    self.tell(&file_steps(at, f), message, hint);
                }
            }
            let key_space = match source.key_space.as_str() {
                "" if source.legal_entity.is_none() => source.name.clone(),
                named => named.to_owned(),
            };
            let steps = [Step::Key("source"), Step::At(at), Step::Key("country")];
            self.country(&source.country, &steps);
            sources.push(ingest::Source {
                name: source.name.clone(),
                files,
                sheets: source.sheets.clone(),
                mapping,
                key_space,
                legal_entity: source.legal_entity.clone(),
                country: source.country.clone(),
                rank: at as u32,
                dated: source.dated.clone(),
            });
        }
        self.legal_entities(written, &sources);
        sources
    }

    fn country(&mut self, written: &str, steps: &[Step<'_>]) {
        if !written.is_empty() && country(written).as_deref() != Some(written) {
            let message = format!("`country` is no ISO code of a country: `{written}`");
            let hint = "write it as `country = \"BE\"`, or `\"none\"` where nothing tells it";
            self.tell(steps, message, Some(hint.into()));
        }
    }

    /// What makes no sense in the `legal_entity` of the sources: codes of a key space that no source has
    /// stand for nobody.
    fn legal_entities(&mut self, written: &[SourceSettings], sources: &[ingest::Source]) {
        for (at, source) in sources.iter().enumerate() {
            let Some(entity) = &source.legal_entity else { continue };
            let steps = [Step::Key("source"), Step::At(at), Step::Key("legal_entity")];
            if entity.column.trim().is_empty() || entity.key_spaces.is_empty() {
                let message = "`legal_entity` needs `column` and `key_spaces`".to_owned();
                let hint =
                    r#"as in `{ column = "Société", key_spaces = { "Nord" = "sage-nord" } }`"#;
                self.tell(&steps, message, Some(hint.into()));
            }
            for (one, other) in entity.contradictions() {
                let message = format!(
                    "`{one}` and `{other}` are one value, case, accents and marks aside, and have different key spaces"
                );
                self.tell(&steps, message, Some("leave one of them out".into()));
            }
            if source.mapping.rows != Rows::History {
                continue;
            }
            let issues = |s: &&ingest::Source| s.mapping.rows != Rows::History;
            let of_entities =
                written.iter().enumerate().filter(|(other, _)| issues(&&sources[*other]));
            let of_entities = of_entities
                .filter_map(|(_, s)| s.legal_entity.as_ref())
                .flat_map(|entity| entity.key_spaces.values());
            let own = sources.iter().filter(issues).map(|s| &s.key_space);
            let known: BTreeSet<&str> =
                own.chain(of_entities).map(String::as_str).filter(|s| !s.is_empty()).collect();
            let unknown = |space: &&String| !known.contains(space.as_str());
            for space in entity.key_spaces.values().filter(unknown) {
                let message = format!("no source of customers has the key space `{space}`");
                self.tell(&steps, message, nearest(space, known.iter().copied()));
            }
        }
    }

    fn mapping(
        &mut self,
        source: &SourceSettings,
        at: usize,
        rules: &mut Vec<(PathBuf, String)>,
    ) -> Arc<Mapping> {
        let steps = [Step::Key("source"), Step::At(at), Step::Key("mapping")];
        match load_mapping(self.folder, &source.mapping) {
            Ok((mapping, own)) => {
                rules.extend(own.filter(|own| !rules.contains(own)));
                self.with_columns(mapping, source, at)
            }
            Err(Error::Settings { problems }) => {
                let (offset, _) = self.document.problem(&steps, "", None);
                self.problems.extend(problems.into_iter().map(|p| (offset, p)));
                self.with_columns(Arc::default(), source, at)
            }
            Err(error) => {
                self.tell(&steps, error.to_string(), error.hint());
                self.with_columns(Arc::default(), source, at)
            }
        }
    }

    /// The mapping with what the source says of single columns, and of what it is written in.
    fn with_columns(
        &mut self,
        mapping: Arc<Mapping>,
        source: &SourceSettings,
        at: usize,
    ) -> Arc<Mapping> {
        if source.columns.is_empty() && source.encoding.is_empty() {
            return mapping;
        }
        let mut mapping = Arc::unwrap_or_clone(mapping);
        if !source.encoding.is_empty() {
            let steps = [Step::Key("source"), Step::At(at), Step::Key("encoding")];
            if let Some((message, hint)) = ingest::read::problem_of_encoding(&source.encoding) {
                self.tell(&steps, message, Some(hint));
            }
            mapping.encoding.clone_from(&source.encoding);
        }
        for (header, attribute) in &source.columns {
            let rule = ColumnRule {
                header: vec![header.clone()],
                attribute: attribute.clone(),
                required: true,
                ..ColumnRule::default()
            };
            // The first rule that fits a column has it.
            mapping.columns.insert(0, rule);
            let known = attribute.is_empty()
                || attribute.starts_with("extra.")
                || model::attribute(attribute).is_some();
            if !known {
                let steps =
                    [Step::Key("source"), Step::At(at), Step::Key("columns"), Step::Key(header)];
                let names = model::attributes().keys().map(String::as_str);
                let message = format!("there is no attribute `{attribute}`");
                self.tell(&steps, message, nearest(attribute, names));
            }
        }
        Arc::new(mapping)
    }

    fn key(&mut self, file: &Path, sources: &[ingest::Source]) -> IdKey {
        let derive = || derive_key(sources.iter().flat_map(|s| &s.files));
        match read_key(file).and_then(|key| key.map_or_else(derive, Ok)) {
            Ok(key) => key,
            Err(error) => {
                let steps = [Step::Key("project"), Step::Key("key_file")];
                self.tell(&steps, error.to_string(), error.hint());
                IdKey([0; 32])
            }
        }
    }
}

/// The way to a file of a source in the settings.
fn file_steps(source: usize, file: usize) -> [Step<'static>; 4] {
    [Step::Key("source"), Step::At(source), Step::Key("files"), Step::At(file)]
}

/// Whether `source` reads some of the same sheets of the file that outputs call `name`.
fn reads_too(source: &ingest::Source, name: &str, sheets: &[String]) -> bool {
    let apart = !sheets.is_empty()
        && !source.sheets.is_empty()
        && !sheets.iter().any(|sheet| source.sheets.contains(sheet));
    let same = |a: &str, b: &str| {
        a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR))
    };
    !apart && source.files.iter().any(|(_, other)| same(other, name) || same(name, other))
}

/// The mapping that a source names: a file of the project's `mappings/` (given as well, with its
/// name in the manifest), or a built-in one.
pub fn load_mapping(folder: &Path, name: &str) -> Result<(Arc<Mapping>, Option<NamedFile>)> {
    for below in ["mappings", "mappings/sources"] {
        let file = format!("{below}/{name}.toml");
        let path = folder.join(&file);
        if is_plain(name) && path.is_file() {
            return Ok((Arc::new(Mapping::load(&path)?), Some((path, file))));
        }
    }
    let built_in = ingest::mapping::built_in();
    match built_in.iter().find(|mapping| mapping.name == name) {
        Some(mapping) => Ok((mapping.clone(), None)),
        None => Err(Error::NotFound {
            what: "mapping",
            name: name.to_owned(),
            hint: nearest(name, built_in.iter().map(|mapping| mapping.name.as_str())),
        }),
    }
}

/// The target with the words of a language.
fn in_language(mut target: Arc<Target>, lang: Lang) -> Arc<Target> {
    Arc::make_mut(&mut target).lang = lang;
    target
}

/// The target called `name`: a file of the project's `mappings/targets/`, or a built-in one.
pub fn load_target(folder: &Path, name: &str) -> Result<Arc<Target>> {
    let path = folder.join("mappings/targets").join(format!("{name}.toml"));
    let is_own = is_plain(name) && path.is_file();
    let target = if is_own {
        Target::parse(&store::read_text(&path)?, &path)?
    } else {
        Target::builtin(name)?
    };
    let problems = target.check();
    if problems.is_empty() { Ok(Arc::new(target)) } else { Err(Error::Settings { problems }) }
}

/// Whether a name stays in the folder it is looked up in.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\'])
}

/// How outputs name a file: with `/`, without `./`.
fn output_name(written: &str) -> String {
    let written = written.replace('\\', "/");
    let parts = written.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// The name of a folder, however it is written.
pub fn folder_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_precision(share: f64) -> bool {
    (0.5..1.0).contains(&share)
}

/// The key kept in `file`, if there is one.
///
/// # Errors
///
/// When the file is there and holds no key.
pub fn read_key(file: &Path) -> Result<Option<IdKey>> {
    if !file.exists() {
        return Ok(None);
    }
    let text = store::read_text(file)?;
    let hash = blake3::Hash::from_hex(text.trim()).map_err(|_| Error::Format {
        path: file.to_owned(),
        message: "it is no key of 64 hexadecimal digits".into(),
        hint: Some("restore it: with another key all record ids change".into()),
    })?;
    Ok(Some(IdKey(*hash.as_bytes())))
}

/// Writes the key, readable by its owner only.
pub fn write_key(file: &Path, key: &IdKey) -> Result<()> {
    let hash = blake3::Hash::from_bytes(key.0);
    store::write(file, format!("{}\n", hash.to_hex()))
}

/// The key of a project that has none yet: derived from all rows of its files, whatever their order
/// and the files' names.
///
/// Nobody can guess it who does not have the whole of the data, and whoever makes a project of the
/// same files again gets the same ids.
///
/// # Errors
///
/// When the folder of temporary files has no room.
pub fn derive_key<'f>(files: impl IntoIterator<Item = &'f (PathBuf, String)>) -> Result<IdKey> {
    let files = files.into_iter().flat_map(|(path, name)| ingest::read::files(path, name));
    IdKey::derived(files.flat_map(|(path, _)| content_digests(&path)))
}

/// One digest per row of data of a file, as it is read without any mapping: the key hangs on the files
/// alone and stays when settings change. Of a file that cannot be read as tables, one of its bytes.
fn content_digests(path: &Path) -> Box<dyn Iterator<Item = [u8; 32]>> {
    match ingest::read::open(path) {
        Ok(tables) => Box::new(tables.into_iter().flat_map(row_digests)),
        Err(_) => {
            let (path, _) = holder(path, "");
            Box::new(store::content_digest(&path).into_iter())
        }
    }
}

fn row_digests(table: ingest::read::Table) -> impl Iterator<Item = [u8; 32]> {
    let header = table.header;
    table.tally.count_only();
    let digest = move |row: ingest::read::Row| match row.content {
        ingest::read::Content::Data(cells) => {
            Some(crate::table::row_digest(header.iter().map(String::as_str).zip(&cells)))
        }
        _ => None,
    };
    table.rows.filter_map(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(settings: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(SETTINGS), settings).expect("written");
        folder
    }

    fn problems(settings: &str) -> Vec<String> {
        let project = project(settings);
        let folder = project.path().display().to_string();
        match Plan::load(project.path(), &Overrides::default()) {
            Err(Error::Settings { problems }) => problems
                .into_iter()
                .map(|p| format!("{} {}", p.place, p.message).replace(&folder, "[folder]"))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_problem_is_said_at_once_in_file_order() {
        let settings = r#"
[project]
nam = "x"
as_of = "yesterday"

[[source]]
name = "crm"
mapping = "outlok-classic-fr"

[[source]]
name = "crm"
files = ["a.csv", "./a.csv"]
mapping = ""
dated = "2009"
[source.columns]
Portable = "mobil"
"#;
        assert_eq!(
            problems(settings),
            [
                "orpailleur.toml:3:1 unknown key `nam`",
                "orpailleur.toml:4:9 `as_of` is no date: `yesterday`",
                "orpailleur.toml:6:1 the source `crm` has no file",
                "orpailleur.toml:8:11 there is no mapping `outlok-classic-fr`",
                "orpailleur.toml:11:8 two sources are called `crm`",
                "orpailleur.toml:12:10 there is no file `[folder]/legacy/a.csv`",
                "orpailleur.toml:12:19 there is no file `[folder]/legacy/./a.csv`",
                "orpailleur.toml:13:11 there is no mapping ``",
                "orpailleur.toml:14:9 `dated` is no date: `2009`",
                "orpailleur.toml:16:12 there is no attribute `mobil`",
            ]
        );
    }

    #[test]
    fn every_setting_has_a_default_that_reads_back() {
        let defaults = toml::to_string(&Project::default()).expect("settings are TOML");
        let read: Project = document::read("orpailleur.toml", &defaults).expect("they read back");
        assert_eq!(read, Project::default());
    }

    #[test]
    fn a_row_cannot_be_read_by_two_sources() {
        let settings = |sheets: &str| {
            format!(
                "[project]\nas_of = '2024-12-31'\n\
                 [[source]]\nname = 'a'\nfiles = ['x.xlsx']\nmapping = 'vcard'\nsheets = ['One']\n\
                 [[source]]\nname = 'b'\nfiles = ['./x.xlsx']\nmapping = 'vcard'\nsheets = ['{sheets}']\n"
            )
        };
        let said = problems(&settings("One"));
        assert!(
            said.iter().any(|p| p.ends_with("`x.xlsx` is already read by the source `a`")),
            "{said:?}"
        );
    }

    #[test]
    fn a_pattern_that_makes_no_sense_is_told_at_its_place() {
        let said = problems("[project]\nas_of = '2024-12-31'\nignore = ['*.tmp', 'a/***']\n");
        assert!(said[1].starts_with("orpailleur.toml:3:20 `a/***` is no pattern: "), "{said:?}");
    }

    #[test]
    fn a_folder_without_settings_is_no_project() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = Plan::load(folder.path(), &Overrides::default()).expect_err("it is empty");
        assert!(error.hint().is_some_and(|hint| hint.contains("orpailleur init")));
    }

    #[test]
    fn a_derived_key_depends_on_the_rows_and_on_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            (path, name.to_owned())
        };
        let a = file("a.csv", "name;city\nAnn;Paris\nBob;Lyon\n");
        let shuffled = file("b.csv", "name;city\nBob;Lyon\nAnn;Paris\n");
        let other = file("c.csv", "name;city\nBob;Lyon\nAnn;Nice\n");
        let key = |file| derive_key([file]).expect("there is room");
        assert_eq!(key(&a), key(&shuffled));
        assert_ne!(key(&a), key(&other));
    }

    #[test]
    fn a_key_reads_back_and_a_damaged_one_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("registry/key");
        assert_eq!(read_key(&file).expect("no error"), None);
        write_key(&file, &IdKey([7; 32])).expect("written");
        assert_eq!(read_key(&file).expect("readable"), Some(IdKey([7; 32])));
        std::fs::write(&file, "not a key").expect("written");
        assert!(read_key(&file).is_err());
    }
}
