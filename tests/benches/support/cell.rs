//! How numbers are written in tables.

/// Nanoseconds, in the unit that suits.
pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1_000.0 => format!("{n:.0} ns"),
        n if n < 1_000_000.0 => format!("{:.2} µs", n / 1e3),
        n if n < 1_000_000_000.0 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

/// A ratio.
pub(crate) fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// A measured ratio beside its target.
pub(crate) fn verdict(measured: f64, target: f64) -> &'static str {
    match measured <= target {
        true => "met",
        false => "**missed**",
    }
}
