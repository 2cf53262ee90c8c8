//! The command-line program `orpailleur`.

use std::{
    collections::BTreeMap,
    error::Error as _,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use orpailleur::{
    cli::{self, Cli, Command, Common, Deciding, MappingsAction, Running},
    config::{self, Overrides, Plain, Plan},
    decide::{self, Desk},
    diff,
    error::{Error, Result},
    evaluate, explain, init, label, mappings, pipeline, profile,
    progress::{self, Progress},
    run::{self, Run},
    verify,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Done, and nothing is left to do.
const DONE: u8 = 0;
/// Done, and rejects or reviews remain.
const REMAINS: u8 = 1;
/// No manifest was written.
const STOPPED: u8 = 2;
/// A gate, tolerance or check failed.
const FAILED: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    set_up_threads(cli.common.threads);
    set_up_log(&cli.common);
    // A second Ctrl-C does not wait for the stage to notice the first.
    let mut asked = false;
    let handler = ctrlc::set_handler(move || {
        if std::mem::replace(&mut asked, true) {
            std::process::exit(STOPPED.into());
        }
        progress::interrupt();
    });
    if let Err(error) = handler {
        tracing::warn!(%error, "Ctrl-C will leave an unfinished run behind");
    }
    match execute(cli) {
        Ok(status) => status.into(),
        Err(error) => {
            complain(&error);
            STOPPED.into()
        }
    }
}

fn execute(cli: Cli) -> Result<u8> {
    let common = &cli.common;
    match cli.command {
        Command::Init(asked) => make_project(&asked, common),
        Command::Profile(asked) => show_profile(&asked, common),
        Command::Dedupe(asked) => dedupe(asked, common),
        Command::Explain(asked) => show_reasons(&asked, common),
        Command::Evaluate(asked) => compare_with_truth(&asked, common),
        Command::Label(asked) => propose_labels(&asked, common),
        Command::Run(asked) => {
            let overrides = overrides(common, &asked.running);
            let mut plan = Plan::load(&asked.project.project, &overrides)?;
            if pipeline::recover(&plan)? {
                plan = Plan::load(&asked.project.project, &overrides)?;
            }
            let run = Run::start(&plan.runs, &plan.inputs(), common.quiet)?;
            plan.keep_key()?;
            carry_out(&plan, run, common)
        }
        Command::Check(asked) => check_project(&asked.project, common),
        Command::Mappings(asked) => match asked.action.unwrap_or(MappingsAction::List) {
            MappingsAction::List => {
                say(&mappings::list(common.lang.unwrap_or_default()));
                Ok(DONE)
            }
            MappingsAction::Show { name } => {
                say(mappings::show(&name)?.trim_end());
                Ok(DONE)
            }
            MappingsAction::Check { files } => checked(mappings::check(&files), || {
                format!("ok: {}, no problem", counted(files.len(), "file"))
            }),
        },
        Command::Diff(asked) => show_changes(&asked, common),
        Command::Decide(asked) => write_decisions(&asked.what, common),
        Command::Unmerge(asked) => take_out(&asked, common),
        Command::Verify(asked) => verify(&asked, common),
    }
}

fn make_project(asked: &cli::Init, common: &Common) -> Result<u8> {
    let project = asked.project.as_deref().unwrap_or(Path::new("."));
    let progress = Progress::new("init", common.quiet);
    let lang = common.lang.unwrap_or_default();
    let guess = init::run(&asked.dir, project, asked.force, lang, &progress)?;
    progress.finish();
    say(&guess.to_string());
    say(&format!("Next: orpailleur run {}", project.display()));
    Ok(DONE)
}

fn show_profile(asked: &cli::Profile, common: &Common) -> Result<u8> {
    let progress = Progress::new("profile", common.quiet);
    let overrides = overrides(common, &Running::default());
    let subjects = profile::subjects(&named(&asked.files), &overrides)?;
    let found = profile::run(&subjects, &progress)?;
    progress.finish();
    let lang = common.lang.unwrap_or_default();
    let page = match &asked.out {
        Some(out) => Some(found.write_page(&title(&asked.files), lang, out)?),
        None => None,
    };
    if common.json {
        say(&serde_json::to_string(&found).map_err(Error::table("profile"))?);
    } else {
        say(&found.to_text(lang));
        if let Some(page) = page {
            say(&page.display().to_string());
        }
    }
    Ok(if found.remains() { REMAINS } else { DONE })
}

fn dedupe(asked: cli::Dedupe, common: &Common) -> Result<u8> {
    let files = named(&asked.files);
    let out = asked.out.unwrap_or_else(|| beside(&asked.files[0]));
    let run = Run::start_at(&out, &files, common.quiet)?;
    let overrides = overrides(common, &asked.running);
    let plain = Plain {
        files,
        id: asked.id,
        kind: asked.kind,
        country: asked.country,
        source: asked.source,
        link_only: asked.link_only,
        one_to_one: asked.one_to_one,
    };
    carry_out(&Plan::of_tables(&out, plain, &overrides)?, run, common)
}

fn show_reasons(asked: &cli::Explain, common: &Common) -> Result<u8> {
    let folder = find_run(&asked.project, asked.run.as_deref())?;
    let explained = explain::run(&folder, &asked.id, asked.other.as_deref())?;
    if common.json {
        say(&serde_json::to_string(&explained).map_err(Error::table("explanation"))?);
    } else {
        let texts: Vec<String> = explained.iter().map(ToString::to_string).collect();
        say(&texts.join("\n\n"));
    }
    Ok(DONE)
}

fn compare_with_truth(asked: &cli::Evaluate, common: &Common) -> Result<u8> {
    let folder = find_run(&asked.run.project.project, asked.run.run.as_deref())?;
    let figures = evaluate::run(&folder, &asked.truth)?;
    if common.json {
        say(&serde_json::to_string(&figures).map_err(Error::table("figures"))?);
    } else {
        figures.iter().for_each(|kind| say(&kind.to_string()));
    }
    Ok(DONE)
}

fn propose_labels(asked: &cli::Label, common: &Common) -> Result<u8> {
    let project = &asked.run.project.project;
    let questions = label::run(&find_run(project, asked.run.run.as_deref())?, asked.pairs)?;
    if common.json {
        say(&serde_json::to_string(&questions).map_err(Error::table("labels"))?);
        return Ok(DONE);
    }
    let out = asked.out.clone().unwrap_or_else(|| project.join("labels.csv"));
    questions.write(&out, common.lang.unwrap_or_default())?;
    let pairs = counted(questions.pairs.len(), "pair");
    say(&format!(
        "{pairs}, the most telling first: fill in the first column with `same` or `not same`"
    ));
    say(&format!("Next: orpailleur decide review {}", out.display()));
    say(&out.display().to_string());
    Ok(DONE)
}

fn show_changes(asked: &cli::Diff, common: &Common) -> Result<u8> {
    let before = find_run(&asked.project, Some(&asked.before))?;
    let after = find_run(&asked.project, asked.after.as_deref())?;
    let found = diff::run(&before, &after)?;
    if let Some(out) = &asked.out {
        found.write(out)?;
    }
    match common.json {
        true => say(&serde_json::to_string(&found).map_err(Error::table("changes"))?),
        false => say(found.to_string().trim_end()),
    }
    Ok(DONE)
}

fn write_decisions(asked: &Deciding, common: &Common) -> Result<u8> {
    let written = match asked {
        Deciding::Same(named) => {
            let (desk, by) = desk(&named.by)?;
            desk.write(&[(desk.same(&named.names, named.kind)?, by)])?
        }
        Deciding::NotSame(named) => {
            let (desk, by) = desk(&named.by)?;
            desk.write(&[(desk.not_same(&named.names, named.kind)?, by)])?
        }
        Deciding::Withdraw { ids, by } => {
            let (desk, by) = desk(by)?;
            let withdrawn = ids.iter().map(|id| Ok((desk.withdraw(id)?, by.clone())));
            desk.write(&withdrawn.collect::<Result<Vec<_>>>()?)?
        }
        Deciding::Pin { name, attribute, value, source, until_change, kind, by } => {
            let (desk, by) = desk(by)?;
            let (value, source) = (value.as_deref(), source.as_deref());
            desk.write(&[(desk.pin(name, *kind, attribute, value, source, *until_change)?, by)])?
        }
        Deciding::Ignore { name, attribute, value, kind, by } => {
            let (desk, by) = desk(by)?;
            let (attribute, value) = (attribute.as_deref(), value.as_deref());
            desk.write(&[(desk.ignore(name, *kind, attribute, value)?, by)])?
        }
        Deciding::Block { attribute, value, by } => {
            let (desk, by) = desk(by)?;
            desk.write(&[(desk.block(attribute, value)?, by)])?
        }
        Deciding::Review { file, by } => {
            let (desk, by) = desk(by)?;
            desk.write(&desk.review(file, &by)?)?
        }
    };
    tell_written(&written, common)
}

fn tell_written(written: &decide::Written, common: &Common) -> Result<u8> {
    match common.json {
        true => say(&serde_json::to_string(written).map_err(Error::table("decisions"))?),
        false => say(&written.to_string()),
    }
    Ok(DONE)
}

fn take_out(asked: &cli::Unmerge, common: &Common) -> Result<u8> {
    let (desk, by) = desk(&asked.by)?;
    let unmerge = desk.unmerge(&asked.golden, &asked.names)?;
    if common.json && !asked.yes {
        say(&serde_json::to_string(&unmerge).map_err(Error::table("changes"))?);
    } else if !common.json {
        say(&unmerge.to_string());
    }
    if asked.yes {
        return tell_written(&desk.write(&[(unmerge.verdict(), by)])?, common);
    }
    if !common.json {
        say("Nothing is written yet: `--yes` writes the decision.");
    }
    Ok(DONE)
}

/// The run that is decided about, and who decides.
fn desk(asked: &cli::By) -> Result<(Desk, decide::By)> {
    let folder = find_run(&asked.project, asked.run.as_deref())?;
    let user = || std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_default();
    let by = decide::By {
        who: asked.who.clone().unwrap_or_else(user),
        when: asked.when.clone().unwrap_or_else(today),
        comment: asked.comment.clone(),
        evidence: asked.evidence.clone(),
    };
    Ok((Desk::open(&asked.project, &folder)?, by))
}

/// The day on which a person decides: it changes no result.
fn today() -> String {
    #[expect(clippy::disallowed_methods, reason = "a decision is dated like a letter")]
    let now = jiff::Timestamp::now();
    now.strftime("%F").to_string()
}

fn check_project(project: &Path, common: &Common) -> Result<u8> {
    let progress = Progress::new("check", common.quiet);
    let overrides = overrides(common, &Running::default());
    let found = Plan::check(project, &overrides, &progress);
    progress.finish();
    let well = found.as_ref().ok().map(|checked| {
        let sources = counted(checked.plan.sources.len(), "source");
        let ignored = match checked.ignored {
            0 => String::new(),
            1 => "; 1 file or sheet is left out on purpose".to_owned(),
            n => format!("; {n} files or sheets are left out on purpose"),
        };
        format!("ok: {sources}, no problem{ignored}{}", without_common_value(&checked.unmapped))
    });
    checked(found.map(drop), || well.unwrap_or_default())
}

fn verify(asked: &cli::InRun, common: &Common) -> Result<u8> {
    let folder = find_run(&asked.project.project, asked.run.as_deref())?;
    let checks = verify::run(&folder)?;
    let problems: usize = checks.iter().map(|check| check.problems.len()).sum();
    if common.json {
        let found = serde_json::json!({ "ok": problems == 0, "checks": checks });
        say(&found.to_string());
    } else {
        checks.iter().for_each(|check| say(&check.to_string()));
    }
    Ok(if problems == 0 { DONE } else { FAILED })
}

/// `; 3 values without a common value: 2 of category, 1 of status`; nothing where all have one.
fn without_common_value(open: &BTreeMap<String, usize>) -> String {
    if open.is_empty() {
        return String::new();
    }
    let each: Vec<_> = open.iter().map(|(name, n)| format!("{n} of `{name}`")).collect();
    let all = counted(open.values().sum(), "value");
    format!("; {all} without a common value: {}", each.join(", "))
}

/// `1 file`, `2 files`.
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Says that all is well, or what is wrong: a failed check is no failed program.
fn checked(result: Result<()>, well: impl FnOnce() -> String) -> Result<u8> {
    match result {
        Ok(()) => {
            say(&well());
            Ok(DONE)
        }
        Err(error) => {
            complain(&error);
            Ok(FAILED)
        }
    }
}

/// The files with the names that outputs give them: without folders, unless two are called alike.
fn named(files: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let name = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let alone =
        |file: &PathBuf| files.iter().filter(|other| name(other) == name(file)).count() == 1;
    let told = |file: &PathBuf| match alone(file) {
        true => name(file),
        false => file.to_string_lossy().replace('\\', "/").trim_start_matches("./").to_owned(),
    };
    files.iter().map(|file| (file.clone(), told(file))).collect()
}

/// What a page about these files is called.
fn title(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| config::folder_name(file)).collect();
    names.join(", ")
}

/// Where `dedupe` writes unless told otherwise: `customers.csv` becomes `customers-deduped`.
fn beside(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    PathBuf::from(format!("{stem}-deduped"))
}

/// Runs `plan` into `run` and says what came of it.
fn carry_out(plan: &Plan, mut run: Run, common: &Common) -> Result<u8> {
    let legacy = pipeline::run(plan, &mut run)?;
    pipeline::prepare(plan, &run, &legacy)?;
    let folder = run.finish()?;
    pipeline::keep(plan, legacy)?;
    let manifest = run::manifest(&folder)?;
    let unused = run::unused(&folder)?;
    if !common.quiet {
        unused.iter().for_each(|file| warn(file));
    }
    // There is none where `--until` named an earlier stage.
    let report = Some(folder.join("report/index.html")).filter(|report| report.is_file());
    if common.json {
        let summary = serde_json::json!({
            "run": manifest.run,
            "folder": folder,
            "report": report,
            "counts": manifest.counts,
            "unused": unused,
        });
        say(&summary.to_string());
    } else {
        say(&manifest.summary());
        say(&report.unwrap_or(folder).display().to_string());
    }
    Ok(if manifest.remains() { REMAINS } else { DONE })
}

/// The run that `--run` means, or the latest of the project.
fn find_run(project: &Path, asked: Option<&Path>) -> Result<PathBuf> {
    run::find(&config::runs_folder(project), asked)
}

fn overrides(common: &Common, running: &Running) -> Overrides {
    Overrides {
        as_of: common.as_of.clone(),
        lang: common.lang,
        target: running.target.clone(),
        precision: running.precision,
        until: running.until,
        retrain: running.retrain,
        fresh: running.fresh,
        strict: running.strict,
    }
}

/// Lets rayon and polars use as many threads as asked for.
fn set_up_threads(threads: Option<u16>) {
    let Some(threads) = threads else { return };
    #[expect(unsafe_code, reason = "polars reads its thread count from the environment only")]
    // SAFETY: `main` has started no thread yet, so nobody reads the environment meanwhile.
    unsafe {
        std::env::set_var("POLARS_MAX_THREADS", threads.to_string());
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global();
    pool.expect("the pool is built once, before its first use");
}

/// Sends the log to stderr: warnings, more with `-v`, as `RUST_LOG` says when it is set.
fn set_up_log(common: &Common) {
    let level = match (common.quiet, common.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "info,orpailleur=debug",
        _ => "debug,orpailleur=trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .init();
}

/// Prints a line on stdout. A reader that has gone away is no error of ours.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Says on stderr what the user should know although the run went on.
fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "warning: {text}");
}

/// Prints an error with its causes, and what the user can do.
fn complain(error: &Error) {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!("\n  because: {inner}"));
        cause = inner.source();
    }
    if let Some(hint) = error.hint() {
        text.push_str(&format!("\n\nhint: {hint}"));
    }
    let _ = writeln!(io::stderr(), "{text}");
}
