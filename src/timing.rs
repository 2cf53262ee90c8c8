//! What work costs: wall time, CPU time, items, memory.

use std::{fs, time::Instant};

use serde::{Deserialize, Serialize};

/// What one stage, or a part of one, cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The stage, or the part of one.
    pub stage: String,
    /// The stage that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// Wall time in seconds.
    pub wall_s: f64,
    /// CPU time of all threads in seconds; none where the system does not say.
    #[serde(default)]
    pub cpu_s: Option<f64>,
    /// Rows, records or pairs it worked on, where it counts any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// Items per second of wall time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_per_s: Option<u64>,
    /// Most memory the program has held so far, in MiB; none where the system does not say.
    pub peak_mib: Option<u64>,
}

impl Timing {
    /// Adds another time of the same work.
    pub fn add(&mut self, other: &Timing) {
        self.wall_s = rounded(self.wall_s + other.wall_s);
        self.cpu_s = self.cpu_s.zip(other.cpu_s).map(|(x, y)| rounded(x + y));
        self.peak_mib = self.peak_mib.max(other.peak_mib);
        let items = self.items.unwrap_or(0) + other.items.unwrap_or(0);
        *self = std::mem::take(self).of(items);
    }

    /// The same, of work on so many items.
    #[must_use]
    pub fn of(mut self, items: u64) -> Timing {
        self.items = (items > 0).then_some(items);
        self.items_per_s = self
            .items
            .filter(|_| self.wall_s > 0.0)
            .map(|items| (items as f64 / self.wall_s).round() as u64);
        self
    }
}

/// Measures from its start on.
#[derive(Debug, Clone)]
pub struct Stopwatch {
    started: Instant,
    cpu_s: Option<f64>,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Stopwatch {
        Stopwatch { started: Instant::now(), cpu_s: cpu_s() }
    }

    /// What was spent since the start.
    pub fn spent(&self, stage: &str) -> Timing {
        Timing {
            stage: stage.to_owned(),
            wall_s: rounded(self.started.elapsed().as_secs_f64()),
            cpu_s: cpu_s().zip(self.cpu_s).map(|(now, then)| rounded(now - then)),
            peak_mib: peak_mib(),
            ..Timing::default()
        }
    }
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// The most memory this program has held, where the system says it.
fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

/// CPU time of this program so far, system time included, where the system says it: Linux counts it in
/// hundredths of a second, behind the program's name, which may hold blanks.
fn cpu_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let user: f64 = fields.nth(11)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_same_work_add_up() {
        let one = Timing { wall_s: 1.0, cpu_s: Some(2.0), ..Timing::default() };
        let mut all = one.clone().of(100);
        all.add(&one.of(50));
        assert_eq!((all.wall_s, all.cpu_s), (2.0, Some(4.0)));
        assert_eq!((all.items, all.items_per_s), (Some(150), Some(75)));
    }

    #[test]
    fn work_costs_cpu_time() {
        let watch = Stopwatch::start();
        let mut sum = 0u64;
        while watch.started.elapsed().as_millis() < 60 {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        let spent = watch.spent("work");
        assert!(spent.wall_s >= 0.06, "{sum}");
        assert!(!cfg!(target_os = "linux") || spent.cpu_s.is_some_and(|s| s > 0.0));
    }
}
