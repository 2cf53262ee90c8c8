//! The command line: what can be asked, and nothing of how it is done.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    config,
    model::{Kind, Lang},
    run::Stage,
};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "orpailleur",
    version,
    about = "Turns a company's legacy customer data into a CRM migration that can be signed off",
    long_about = "Turns a company's legacy customer data (Excel, Outlook, emailing, accounting) into a \
                  CRM migration that can be signed off: golden records, load files for the chosen \
                  CRM, and the evidence. Offline: nothing leaves this machine.",
    after_help = "Examples:
  orpailleur init exports --project migration   look at the exports, write migration/orpailleur.toml
  orpailleur run migration                      all stages, from the exports to the report
  orpailleur dedupe customers.csv               duplicates of any table, no project needed
  orpailleur explain Pmz589v5fc0tx33c2 --project migration

Exit status: 0 done; 1 done, and rejects or reviews remain; 2 nothing was made;
3 a check failed.",
    max_term_width = 100
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Threads to work with [default: one per processor]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// The date that "now" is, instead of the project's `as_of`
    #[arg(long, global = true, value_name = "DATE")]
    pub as_of: Option<String>,
    /// Language of the report
    #[arg(long, global = true, value_enum)]
    pub lang: Option<Lang>,
    /// Print the result as JSON: `profile`, `run`, `dedupe`, `explain`, `evaluate`, `label`, `diff`, `decide`,
    /// `unmerge`, `verify`
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress, no warnings
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more on stderr; twice for all
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help of each says it")]
pub enum Command {
    /// Look at every file of a folder, recognise it, and write `orpailleur.toml`
    ///
    /// Files are recognised by their content, never by their extension. What was guessed, and how
    /// surely, stands as comments in the file and is printed.
    #[command(after_help = "Examples:
  orpailleur init exports                       the project is the current folder
  orpailleur init exports --project migration   the project is the folder `migration`")]
    Init(Init),
    /// Say what is in files or in a project, column by column
    ///
    /// What each column seems to hold and how surely, how much of it is filled and valid, its most
    /// frequent values and forms, and what is suspicious, with its cells. Writes nothing but the page
    /// that `--out` names; what is printed holds values of the files.
    #[command(after_help = "Examples:
  orpailleur profile clients.xlsx               every sheet
  orpailleur profile exports                    every file of a folder
  orpailleur profile migration --out report     the sources of a project, as a page too")]
    Profile(Profile),
    /// Run all stages of a project
    ///
    /// Writes a new folder `runs/<run>` and prints the path of its report as the last line; with
    /// `--until` before the report, that of the folder. A file that cannot be read is told, becomes a
    /// reject, and stops nothing.
    #[command(after_help = "Examples:
  orpailleur run                                the project is the current folder
  orpailleur run migration --target salesforce
  orpailleur run migration --until cluster      stop after that stage")]
    Run(Run),
    /// Find the duplicates of any table, without a project
    ///
    /// One row is one record, a couple two. Columns are understood by name and by content; an unknown one counts
    /// as text. Writes the crosswalk (which row is which golden record), the golden records and a
    /// report into a folder.
    #[command(after_help = "Examples:
  orpailleur dedupe customers.csv
  orpailleur dedupe customers.xlsx --id \"Customer no\" --out customers-clean
  orpailleur dedupe a.csv b.csv --link-only     compare rows of `a` with rows of `b` only")]
    Dedupe(Dedupe),
    /// Say why two records are together or apart, or where a golden record comes from
    #[command(after_help = "Examples:
  orpailleur explain Pmz589v5fc0tx33c2          a golden record: its records, and where values come from
  orpailleur explain mz589v5fc0tx33c2 sm08xggy08m75c9y
                                                two records: the weight of each comparison, in bits
  orpailleur explain \"clients.xlsx!2018:12\"     what a row says, and what is most like it
  orpailleur explain clients.csv:12 leads.csv:7 two rows
  orpailleur explain --run customers-deduped Pmz589v5fc0tx33c2")]
    Explain(Explain),
    /// List the built-in mappings, or check a mapping file
    #[command(after_help = "Examples:
  orpailleur mappings                           what is recognised, and which CRMs can be loaded
  orpailleur mappings show fec                  a mapping as TOML: a start for one of your own
  orpailleur mappings check mappings/erp.toml   all problems of a file at once")]
    Mappings(Mappings),
    /// Check settings, mappings and files of a project, and report all problems at once
    ///
    /// Reads all files as `run` does, and writes nothing. `run` stops at the same problems, but for
    /// files, sheets and columns that are not there: it lists these as rejects and goes on.
    #[command(after_help = "Example:
  orpailleur check migration")]
    Check(Project),
    /// Compare a crosswalk with labels: precision, recall, F1, pairwise and B-cubed
    #[command(after_help = "The labels are a CSV with the columns `rec_id,entity_id`, or
`file,sheet,row,kind,entity_id`.

Examples:
  orpailleur evaluate migration --truth labels.csv
  orpailleur evaluate --run customers-clean --truth labels.csv")]
    Evaluate(Evaluate),
    /// Propose the pairs that are most worth a human's minute
    ///
    /// Those where the model cannot tell, the more so the more pairs show the same pattern of agreement; one for each two
    /// golden records, and none that was decided. They are written into a CSV file: fill in its column of decisions (`same` or
    /// `not same`, what is left empty says nothing), and let `decide review` read it.
    #[command(after_help = "Examples:
  orpailleur label migration                    writes migration/labels.csv
  orpailleur label migration --pairs 200 --out pairs.csv
  orpailleur decide review labels.csv --project migration
  orpailleur run migration --retrain            learns from what was decided")]
    Label(Label),
    /// Say what changed between two runs, golden record by golden record, and why
    ///
    /// Rows are followed from one run to the other, edited ones by their key or by what they still say.
    #[command(after_help = "Examples:
  orpailleur diff 0001-c78750d5                 that run and the latest, of the project in this folder
  orpailleur diff 0001-c78750d5 0002-0b9f7a11 --project migration --out changes.csv")]
    Diff(Diff),
    /// Write down what a steward decided about records: it holds in every later run
    ///
    /// A decision is a line of `decisions.jsonl`, which names rows by hashes: it holds whatever the order of rows and
    /// the names of files. One that contradicts another is refused.
    #[command(after_help = "Examples:
  orpailleur decide same clients.csv:12 leads.csv:7 --comment \"married in 2019\"
  orpailleur decide not-same Pmz589v5fc0tx33c2 Psm08xggy08m75c9y
  orpailleur decide pin Pmz589v5fc0tx33c2 email marie@example.fr
  orpailleur decide block phone \"01 00 00 00 00\"
  orpailleur decide review reviewed.xlsx        a copy of the report's workbook, its review sheets filled in
  orpailleur decide withdraw D7ja0tar")]
    Decide(Decide),
    /// Take records out of a golden record, and keep them out
    ///
    /// Says what would change; with `--yes` the decision is written, and the next run applies it.
    #[command(after_help = "Examples:
  orpailleur unmerge Pmz589v5fc0tx33c2 clients.csv:12
  orpailleur unmerge Pmz589v5fc0tx33c2 clients.csv:12 leads.csv:7 --yes --comment \"father and son\"")]
    Unmerge(Unmerge),
    /// Check that a run is still what it was: its files, its sums, and the chain of runs
    ///
    /// Computes the digests of all files again, checks what must hold between them (each row one fate, each record one
    /// golden record, each golden cell a source, sums of money), and that each run names the one before it.
    #[command(after_help = "Example:
  orpailleur verify migration --run 0003-5f1c22ab")]
    Verify(InRun),
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder of the exports
    pub dir: PathBuf,
    /// The folder of the project [default: the current folder]
    #[arg(long, value_name = "P")]
    pub project: Option<PathBuf>,
    /// Replace an `orpailleur.toml` that is already there
    #[arg(long)]
    pub force: bool,
}

/// `profile`.
#[derive(Debug, Args)]
pub struct Profile {
    /// Files, folders of files, or the folder of a project
    #[arg(required = true, value_name = "FILE|PROJECT")]
    pub files: Vec<PathBuf>,
    /// Also write a page: this `.html` file, or `profile.html` in this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// A project folder.
#[derive(Debug, Args)]
pub struct Project {
    /// The folder with `orpailleur.toml`
    #[arg(default_value = ".")]
    pub project: PathBuf,
}

/// What `run` and `dedupe` have in common.
#[derive(Debug, Clone, Default, Args)]
pub struct Running {
    /// Stop after this stage
    #[arg(long, value_enum, value_name = "STAGE")]
    pub until: Option<Stage>,
    /// The CRM to load: see `orpailleur mappings`
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Least probability with which a pair must be a match to be merged [default: 0.67]
    #[arg(long, value_name = "P")]
    pub precision: Option<f64>,
    /// Train the matching model again
    #[arg(long)]
    pub retrain: bool,
    /// Run every stage, also those whose inputs are as they were in an earlier run
    #[arg(long)]
    pub fresh: bool,
    /// Stop when a source cannot be read
    #[arg(long)]
    pub strict: bool,
}

/// `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The project.
    #[command(flatten)]
    pub project: Project,
    /// What `dedupe` has too.
    #[command(flatten)]
    pub running: Running,
}

/// `dedupe`.
#[derive(Debug, Args)]
pub struct Dedupe {
    /// Tables: CSV, Excel, JSON...
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The folder of the result [default: the first file's name with `-deduped`]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The column whose value names a row; never evidence
    #[arg(long, value_name = "COL")]
    pub id: Option<String>,
    /// What the rows speak of [default: guessed]
    #[arg(long, value_name = "K", value_parser = kind)]
    pub kind: Option<Kind>,
    /// The country of phone numbers and addresses that name none: an ISO code, or `none` [default: guessed]
    #[arg(long, value_name = "CODE", value_parser = country)]
    pub country: Option<String>,
    /// The column that names the source of each row; never evidence
    #[arg(long, value_name = "COL")]
    pub source: Option<String>,
    /// Compare across sources only
    #[arg(long)]
    pub link_only: bool,
    /// At most one record per source in a cluster
    #[arg(long)]
    pub one_to_one: bool,
    /// What `run` has too.
    #[command(flatten)]
    pub running: Running,
}

fn country(word: &str) -> Result<String, String> {
    let known = || "it is an ISO code, as `BE`, or `none`".to_owned();
    config::country(word).ok_or_else(known)
}

fn kind(word: &str) -> Result<Kind, String> {
    let known = || "it is `person`, `organisation` or `other`".to_owned();
    Kind::parse(word).ok_or_else(known)
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A golden id, a record id, `file:row`, `file!sheet:row`, or a key of the legacy system
    pub id: String,
    /// Another one, to explain the pair
    pub other: Option<String>,
    /// The folder with `orpailleur.toml`
    #[arg(long, value_name = "P", default_value = ".")]
    pub project: PathBuf,
    /// A run's folder or id [default: the latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
}

/// `mappings`.
#[derive(Debug, Args)]
pub struct Mappings {
    /// What to do with mappings; lists them by default.
    #[command(subcommand)]
    pub action: Option<MappingsAction>,
}

/// What can be done with mappings.
#[derive(Debug, Subcommand)]
pub enum MappingsAction {
    /// List the built-in mappings of sources and targets
    List,
    /// Print a built-in mapping as TOML
    Show {
        /// Its name
        name: String,
    },
    /// Say everything that is wrong with mapping files
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// `evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The run.
    #[command(flatten)]
    pub run: InRun,
    /// The labels
    #[arg(long, value_name = "FILE")]
    pub truth: PathBuf,
}

/// `label`.
#[derive(Debug, Args)]
pub struct Label {
    /// The run.
    #[command(flatten)]
    pub run: InRun,
    /// How many pairs
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub pairs: usize,
    /// The file to write [default: `labels.csv` in the project]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The earlier run: its id or folder
    pub before: PathBuf,
    /// The later run [default: the latest]
    pub after: Option<PathBuf>,
    /// The folder with `orpailleur.toml`
    #[arg(long, value_name = "P", default_value = ".")]
    pub project: PathBuf,
    /// Also write every change into this CSV file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `decide`.
#[derive(Debug, Args)]
pub struct Decide {
    /// What was decided.
    #[command(subcommand)]
    pub what: Deciding,
}

/// What can be decided.
#[derive(Debug, Subcommand)]
pub enum Deciding {
    /// What is named is one entity, whatever it weighs
    Same(Together),
    /// No two of what is named are one entity, whatever chain joins them
    NotSame(Together),
    /// An attribute of a golden record has this value, whatever its rule
    Pin {
        /// The golden record, or one of its rows
        name: String,
        /// The attribute
        attribute: String,
        /// The value
        #[arg(required_unless_present = "source")]
        value: Option<String>,
        /// The source whose value survives
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
        /// As long as the rows say what they say now
        #[arg(long)]
        until_change: bool,
        /// Which record of a row that holds a person and an organisation
        #[arg(long, value_name = "K", value_parser = kind)]
        kind: Option<Kind>,
        /// Who decides, about which run.
        #[command(flatten)]
        by: By,
    },
    /// What a row says survives nowhere: all of it, one attribute, or one value
    Ignore {
        /// The row, or a golden record for all of its rows
        name: String,
        /// The attribute
        attribute: Option<String>,
        /// The value
        value: Option<String>,
        /// Which record of a row that holds a person and an organisation
        #[arg(long, value_name = "K", value_parser = kind)]
        kind: Option<Kind>,
        /// Who decides, about which run.
        #[command(flatten)]
        by: By,
    },
    /// A value survives nowhere, whoever says it
    Block {
        /// The attribute
        attribute: String,
        /// The value
        value: String,
        /// Who decides, about which run.
        #[command(flatten)]
        by: By,
    },
    /// Decisions hold no more
    Withdraw {
        /// Their ids, or the beginnings of them
        #[arg(required = true, value_name = "DECISION")]
        ids: Vec<String>,
        /// Who decides, about which run.
        #[command(flatten)]
        by: By,
    },
    /// What a steward wrote into the review sheets of a copy of `report/report.xlsx`
    Review {
        /// The workbook, or one of its sheets saved as text
        file: PathBuf,
        /// Who decides, about which run.
        #[command(flatten)]
        by: By,
    },
}

/// Records that are one, or not.
#[derive(Debug, Args)]
pub struct Together {
    /// Golden ids, record ids, `file:row`, `file!sheet:row` or keys, as `explain` takes them
    #[arg(required = true, num_args = 2.., value_name = "NAME")]
    pub names: Vec<String>,
    /// Which records of rows that hold a person and an organisation
    #[arg(long, value_name = "K", value_parser = kind)]
    pub kind: Option<Kind>,
    /// Who decides, about which run.
    #[command(flatten)]
    pub by: By,
}

/// `unmerge`.
#[derive(Debug, Args)]
pub struct Unmerge {
    /// The golden record
    pub golden: String,
    /// The records that leave it: record ids, `file:row`, `file!sheet:row` or keys
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// Write the decision
    #[arg(long)]
    pub yes: bool,
    /// Who decides, about which run.
    #[command(flatten)]
    pub by: By,
}

/// Who decides, and about which run.
#[derive(Debug, Clone, Args)]
pub struct By {
    /// Who decides [default: the user of this system]
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// When it was decided [default: today]
    #[arg(long, value_name = "DATE")]
    pub when: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
    /// What shows it: a document, a ticket
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub evidence: String,
    /// The folder with `orpailleur.toml`
    #[arg(long, value_name = "P", default_value = ".")]
    pub project: PathBuf,
    /// A run's folder or id [default: the latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
}

/// A complete run of a project.
#[derive(Debug, Args)]
pub struct InRun {
    /// The project.
    #[command(flatten)]
    pub project: Project,
    /// A run's folder or id [default: the latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
