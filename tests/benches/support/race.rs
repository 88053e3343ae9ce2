//! Contenders side by side in one run.
//!
//! Machines are shared and change their speed: contenders take turns in short batches, and a ratio is the median of
//! the ratios of batches that ran right after each other. What runs on one thread is measured by the processor time of
//! that thread, so that other programs on the machine count as little as possible.

use std::time::Duration;

use cpu_time::ThreadTime;
use criterion::Criterion;

/// Batches that each contender runs.
const ROUNDS: usize = 400;
/// How long one batch takes: long against the clock's resolution, short against the moods of a machine.
const BATCH: Duration = Duration::from_millis(3);

/// One way to do the same thing.
pub(crate) struct Contender<'a> {
    /// What it is called in tables.
    pub(crate) name: &'static str,
    run: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Contender<'a> {
    /// `run` does the thing so many times and answers how long that took.
    pub(crate) fn new(name: &'static str, run: impl FnMut(u64) -> Duration + 'a) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }

    /// Does the thing so many times.
    pub(crate) fn run(&mut self, times: u64) -> Duration {
        (self.run)(times)
    }

    /// How many times fill a batch.
    fn calibrate(&mut self) -> u64 {
        let mut times = 1;
        loop {
            let taken = self.run(times);
            if taken >= BATCH / 2 {
                let scaled = times as f64 * BATCH.as_secs_f64() / taken.as_secs_f64();
                return (scaled as u64).max(1);
            }
            times *= 2;
        }
    }
}

/// How long one contender took.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    /// What the contender is called.
    pub(crate) name: &'static str,
    /// Nanoseconds for one time, one entry per round.
    rounds: Vec<f64>,
}

impl Timing {
    /// Of nanoseconds that were measured round by round.
    pub(crate) fn new(name: &'static str, rounds: Vec<f64>) -> Self {
        Self { name, rounds }
    }

    /// The median, in nanoseconds.
    pub(crate) fn median(&self) -> f64 {
        quantile(self.rounds.clone(), 0.5)
    }

    /// From the 10th to the 90th percentile, in nanoseconds.
    pub(crate) fn spread(&self) -> (f64, f64) {
        (
            quantile(self.rounds.clone(), 0.1),
            quantile(self.rounds.clone(), 0.9),
        )
    }

    /// How many times longer it took than another: the median of the ratios, round by round.
    pub(crate) fn ratio(&self, to: &Self) -> f64 {
        let pairs = self.rounds.iter().zip(&to.rounds);
        quantile(pairs.map(|(one, other)| one / other).collect(), 0.5)
    }
}

fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len().saturating_sub(1)) as f64 * q;
    values
        .get(index.round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// Lets the contenders take turns; each round begins with another one.
pub(crate) fn race(contenders: &mut [Contender<'_>]) -> Vec<Timing> {
    let mut timings: Vec<Timing> = contenders
        .iter()
        .map(|contender| Timing::new(contender.name, Vec::with_capacity(ROUNDS)))
        .collect();
    let batches: Vec<u64> = contenders.iter_mut().map(Contender::calibrate).collect();
    for round in 0..ROUNDS {
        for turn in 0..contenders.len() {
            let place = (round + turn) % contenders.len();
            let taken = contenders[place].run(batches[place]);
            timings[place]
                .rounds
                .push(taken.as_nanos() as f64 / batches[place] as f64);
        }
    }
    timings
}

/// The same contenders one after the other by criterion: its statistics, its comparison with the run before, and
/// `--profile-time` for a profiler.
pub(crate) fn criterion(criterion: &mut Criterion, group: &str, contenders: &mut [Contender<'_>]) {
    let mut group = criterion.benchmark_group(group);
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for contender in contenders {
        let name = contender.name;
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| contender.run(times))
        });
    }
    group.finish();
}

/// Runs `call` so many times, on this thread alone.
pub(crate) fn times<T>(times: u64, mut call: impl FnMut() -> T) -> Duration {
    let start = ThreadTime::now();
    for _ in 0..times {
        std::hint::black_box(call());
    }
    start.elapsed()
}
