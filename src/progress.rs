//! The only progress bars: one per stage, on stderr, gone when stderr is no terminal.

use std::{
    io::IsTerminal,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    error::{Error, Result},
    timing::{Stopwatch, Timing},
};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Asks all stages to stop at their next step: what Ctrl-C does.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// What a stage tells the user while it works.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
    done: Arc<Done>,
}

/// What is done so far.
#[derive(Debug, Default)]
struct Done {
    items: AtomicU64,
    parts: Mutex<Vec<Timing>>,
}

impl Progress {
    /// A progress that shows nothing.
    pub fn hidden() -> Progress {
        Progress { bar: ProgressBar::hidden(), done: Arc::default() }
    }

    /// A bar for `stage`, hidden when `quiet` or when stderr is no terminal.
    pub fn new(stage: &'static str, quiet: bool) -> Progress {
        if quiet || !std::io::stderr().is_terminal() {
            return Progress::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(stage);
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg:<12} {human_pos}  {per_sec}  {elapsed}")
                .expect("the template is constant"),
        );
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress { bar, done: Arc::default() }
    }

    /// Says how many steps there are in all, and so shows a bar with an ETA.
    pub fn expect(&self, steps: u64) {
        self.bar.set_length(steps);
        self.bar.set_style(
            ProgressStyle::with_template(
                "{spinner} {msg:<12} [{bar:30}] {human_pos}/{human_len}  {per_sec}  ETA {eta}",
            )
            .expect("the template is constant"),
        );
    }

    /// Says that `steps` more steps are done.
    pub fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    /// Says on how many rows, records or pairs the stage worked.
    pub fn worked_on(&self, items: u64) {
        self.done.items.fetch_add(items, Ordering::Relaxed);
    }

    /// How many that was.
    pub fn items(&self) -> u64 {
        self.done.items.load(Ordering::Relaxed)
    }

    /// Does a part of the stage and notes what it cost; `items` tells on how many it worked. A part of one
    /// name may be done several times.
    pub fn part<T>(
        &self,
        name: &str,
        items: impl FnOnce(&T) -> u64,
        work: impl FnOnce() -> T,
    ) -> T {
        let watch = Stopwatch::start();
        let done = work();
        let spent = watch.spent(name).of(items(&done));
        let mut parts = self.done.parts.lock().unwrap_or_else(PoisonError::into_inner);
        match parts.iter_mut().find(|part| part.stage == name) {
            Some(part) => part.add(&spent),
            None => parts.push(spent),
        }
        done
    }

    /// The parts done, in the order in which each was done first.
    pub fn parts(&self) -> Vec<Timing> {
        self.done.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails once the user has pressed Ctrl-C; stages ask now and then.
    pub fn check(&self) -> Result<()> {
        if INTERRUPTED.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
