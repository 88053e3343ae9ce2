//! What was measured, as tables in Markdown.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::start::Starts;

/// One scenario, over all repetitions.
pub(crate) struct Measured {
    name: &'static str,
    sockets: usize,
    target: Duration,
    /// Nanoseconds from the request to the close frame, of every connection.
    closes: Histogram<u64>,
    /// The last close of each repetition.
    last: Vec<Duration>,
    answered: Vec<Duration>,
    idle: Vec<Duration>,
    during: Vec<Duration>,
    opened: Vec<Duration>,
    /// Bytes for each connection, in the first repetition: later ones use what was freed.
    memory: Option<u64>,
}

impl Measured {
    pub(crate) fn new(name: &'static str, sockets: usize, target: Duration) -> Self {
        Self {
            name,
            sockets,
            target,
            // A minute at most, to three digits; such bounds are always valid.
            closes: Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid"),
            last: Vec::new(),
            answered: Vec::new(),
            idle: Vec::new(),
            during: Vec::new(),
            opened: Vec::new(),
            memory: None,
        }
    }

    /// How long it took to open all connections.
    pub(crate) fn opened(&mut self, taken: Duration) {
        self.opened.push(taken);
    }

    /// Round trips while all connections were open and nothing happened.
    pub(crate) fn idle(&mut self, round_trips: &[Duration]) {
        self.idle.extend(round_trips);
    }

    /// The server's memory before and after the connections were opened.
    pub(crate) fn memory(&mut self, before: Option<u64>, after: Option<u64>) {
        if let (None, Some(before), Some(after), 100..) = (self.memory, before, after, self.sockets)
        {
            self.memory = Some(after.saturating_sub(before) / self.sockets as u64);
        }
    }

    /// How long after the request each connection was closed, shortest first; when the request was answered; the
    /// longest round trip meanwhile, where others asked.
    pub(crate) fn closed(
        &mut self,
        latencies: &[Duration],
        answered: Duration,
        during: Option<Duration>,
    ) {
        for latency in latencies {
            self.closes
                .saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        }
        self.last.extend(latencies.last());
        self.answered.push(answered);
        self.during.extend(during);
    }

    fn close(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.closes.value_at_quantile(quantile))
    }

    fn verdict(&self) -> &'static str {
        match self.target {
            target if target.is_zero() => "–",
            target if longest(&self.last) <= target => "met",
            target if median(&self.last) <= target => "met, not by the worst",
            _ => "**missed**",
        }
    }
}

/// All tables.
pub(crate) struct Report {
    server: String,
    starts: Vec<String>,
    closes: Vec<String>,
    surroundings: Vec<String>,
    /// Tables of their own.
    texts: Vec<String>,
}

impl Report {
    pub(crate) fn new(server: &Path) -> Self {
        Self {
            server: server.display().to_string(),
            starts: Vec::new(),
            closes: Vec::new(),
            surroundings: Vec::new(),
            texts: Vec::new(),
        }
    }

    /// Adds a table that is one of its own.
    pub(crate) fn text(&mut self, text: String) {
        self.texts.push(text);
    }

    /// Adds what the starts took.
    pub(crate) fn starts(&mut self, starts: &Starts) {
        let median = median(&starts.later);
        let verdict = if median <= Duration::from_secs(1) {
            "met"
        } else {
            "**missed**"
        };
        self.starts.push(format!(
            "| {} | {} | {} … {} | ≤ 1 s | {verdict} |",
            millis(starts.first),
            millis(median),
            millis(starts.later.first().copied().unwrap_or_default()),
            millis(longest(&starts.later)),
        ));
    }

    /// Adds a scenario.
    pub(crate) fn closes(&mut self, measured: &Measured) {
        let target = match measured.target.is_zero() {
            true => "–".to_owned(),
            false => format!("≤ {} ms", measured.target.as_millis()),
        };
        self.closes.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            measured.name,
            measured.sockets,
            measured.last.len(),
            millis(measured.close(0.5)),
            millis(measured.close(0.99)),
            millis(measured.close(1.0)),
            millis(median(&measured.last)),
            millis(longest(&measured.last)),
            target,
            measured.verdict(),
        ));
        let memory = measured
            .memory
            .map(|bytes| format!("{:.1} KiB", bytes as f64 / 1024.0));
        self.surroundings.push(format!(
            "| {} | {} | {} | {} | {} | {} |",
            measured.name,
            millis(median(&measured.answered)),
            millis(median(&measured.idle)),
            optional(median(&measured.during)),
            millis(median(&measured.opened)),
            memory.as_deref().unwrap_or("–"),
        ));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Server: `{}`\n", self.server)?;
        if !self.starts.is_empty() {
            writeln!(f, "### Process start until ready\n")?;
            writeln!(
                f,
                "| first start, nothing cached | later starts, median | range | target | |"
            )?;
            writeln!(
                f,
                "| --- | --- | --- | --- | --- |\n{}\n",
                self.starts.join("\n")
            )?;
        }
        if !self.closes.is_empty() {
            writeln!(f, "### Sign-out request until close frames received\n")?;
            writeln!(
                f,
                "| scenario | sockets | repetitions | p50 | p99 | max | last close, median | last close, worst | target | |"
            )?;
            writeln!(
                f,
                "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
            )?;
            writeln!(f, "{}\n", self.closes.join("\n"))?;
            writeln!(
                f,
                "| scenario | sign-out answered | `GET /healthz` before | longest meanwhile | all sockets opened | server memory per idle socket |"
            )?;
            writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
            writeln!(f, "{}\n", self.surroundings.join("\n"))?;
        }
        for text in &self.texts {
            writeln!(f, "{text}")?;
        }
        Ok(())
    }
}

fn median(values: &[Duration]) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn longest(values: &[Duration]) -> Duration {
    values.iter().max().copied().unwrap_or_default()
}

fn optional(duration: Duration) -> String {
    match duration.is_zero() {
        true => "–".to_owned(),
        false => millis(duration),
    }
}

fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    match millis {
        m if m < 10.0 => format!("{m:.2} ms"),
        m if m < 1000.0 => format!("{m:.0} ms"),
        m => format!("{:.2} s", m / 1e3),
    }
}
