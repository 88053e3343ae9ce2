//! Durations with a unit: `90s`, `15m`, `12h`, `14d`. A bare number is refused: nobody knows what it counts.

#[cfg(feature = "schema")]
use alloc::string::String;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Unexpected, Visitor};

/// A whole number of seconds, minutes, hours or days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(
        description = "a whole number with a unit: 90s, 15m, 12h or 14d",
        with = "String",
        extend("pattern" = "^[0-9]{1,9}[smhd]$")
    )
)]
pub(super) struct Duration(u64);

impl Duration {
    pub(super) const fn days(days: u64) -> Self {
        Self(days * 86_400)
    }

    pub(super) const fn seconds(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let unit = text.chars().next_back()?;
        let digits = text.strip_suffix(unit)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        if digits.is_empty()
            || digits.len() > 9
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        digits.parse::<u64>().ok()?.checked_mul(factor).map(Self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text with a whole number and a unit, such as 90s, 15m, 12h or 14d")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
        Duration::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::Duration;

    #[test]
    fn units() {
        let seconds = |text| Duration::parse(text).map(Duration::seconds);
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("15m"), Some(900));
        assert_eq!(seconds("12h"), Some(43_200));
        assert_eq!(seconds("14d"), Some(1_209_600));
        for bad in [
            "",
            "s",
            "14",
            "14 d",
            "-1d",
            "+1d",
            "1.5h",
            "1w",
            "1000000000s",
            "1é",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
