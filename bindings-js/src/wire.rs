//! How values cross between Rust and JavaScript: fields in a fixed order, written by one side and read at once by the other. `js/wire/` is
//! the other half.
//!
//! Numbers are 64-bit floats (JavaScript has no other whole numbers), texts are UTF-8 with their length in front, an option is a byte and
//! perhaps the value, a list is its length and the values, a variant is a byte and its payload. A text that both sides have from the last
//! look-up is not written once more: in the place of its length stands which one it is (`known.rs`).

use alloc::string::String;
use alloc::vec::Vec;

use crate::known::{Known, Slot};

/// The largest whole number that JavaScript tells from its neighbours.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Lengths from here on are none: the text is one that is known.
const KNOWN: u32 = 0xffff_ff00;

/// Reads what JavaScript wrote. `None` where that is not what it should be.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    known: &'a mut Known,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], known: &'a mut Known) -> Self {
        Self { rest: bytes, known }
    }

    /// Which look-up JavaScript has its known texts from. Those of another are not read.
    pub(crate) fn confirm(&mut self) -> Option<()> {
        let lookup = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.known.confirm(lookup).then_some(())
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(head)
    }

    /// The case of a variant.
    pub(crate) fn case(&mut self) -> Option<u8> {
        let (head, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*head)
    }

    fn length(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    fn text(&mut self) -> Option<&str> {
        let length = self.length()?;
        match length.checked_sub(KNOWN as usize) {
            None => core::str::from_utf8(self.take(length)?).ok(),
            Some(slot) => self.known.get(slot),
        }
    }
}

/// Writes what JavaScript reads.
pub(crate) struct Writer<'k> {
    bytes: Vec<u8>,
    known: &'k mut Known,
}

impl<'k> Writer<'k> {
    pub(crate) fn new(capacity: usize, known: &'k mut Known) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            known,
        }
    }

    /// What was written.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// The case of a variant.
    pub(crate) fn push(&mut self, case: u8) {
        self.bytes.push(case);
    }

    fn length(&mut self, length: usize) {
        // Memory has 32-bit addresses here.
        self.bytes.extend_from_slice(&(length as u32).to_le_bytes());
    }

    /// Begins a look-up: its texts, written by [`Writer::ask`], will be known to both sides.
    pub(crate) fn begin_lookup(&mut self) {
        let lookup = self.known.begin();
        self.bytes.extend_from_slice(&lookup.to_le_bytes());
    }

    /// A text of a look-up.
    pub(crate) fn ask(&mut self, slot: Slot, text: Option<&str>) {
        self.push(u8::from(text.is_some()));
        let known = self.known.replace(slot, text.unwrap_or_default());
        match text {
            Some(_) if known => self.length(KNOWN as usize + slot as usize),
            Some(text) => text.write(self),
            None => {}
        }
    }

    /// A text that is probably one that is known.
    pub(crate) fn probably(&mut self, slot: Slot, text: &str) {
        match self.known.is(slot, text) {
            true => self.length(KNOWN as usize + slot as usize),
            false => text.write(self),
        }
    }
}

/// What can be read.
pub(crate) trait Read: Sized {
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// What can be written.
pub(crate) trait Write {
    fn write(&self, to: &mut Writer<'_>);
}

impl Read for String {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.text().map(Into::into)
    }
}

impl Write for str {
    fn write(&self, to: &mut Writer<'_>) {
        to.length(self.len());
        to.bytes.extend_from_slice(self.as_bytes());
    }
}

impl Write for String {
    fn write(&self, to: &mut Writer<'_>) {
        self.as_str().write(to);
    }
}

impl Read for u64 {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let number = f64::from_le_bytes(from.take(8)?.try_into().ok()?);
        let whole = number as u64;
        (whole <= MAX_SAFE && whole as f64 == number).then_some(whole)
    }
}

impl Write for u64 {
    /// What is larger than any moment stays larger than any moment.
    fn write(&self, to: &mut Writer<'_>) {
        let number = (*self).min(MAX_SAFE) as f64;
        to.bytes.extend_from_slice(&number.to_le_bytes());
    }
}

impl Read for u32 {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        u64::read(from)?.try_into().ok()
    }
}

impl Write for u32 {
    fn write(&self, to: &mut Writer<'_>) {
        u64::from(*self).write(to);
    }
}

impl Read for bool {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(from.case()? != 0)
    }
}

impl Write for bool {
    fn write(&self, to: &mut Writer<'_>) {
        to.push(u8::from(*self));
    }
}

impl Read for () {
    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(())
    }
}

impl<T: Read> Read for Option<T> {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => None,
            _ => Some(T::read(from)?),
        })
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, to: &mut Writer<'_>) {
        to.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(to);
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        // Nothing is set aside for a length that is only claimed: every item takes a byte at least.
        let length = from.length().filter(|length| *length <= from.rest.len())?;
        (0..length).map(|_| T::read(from)).collect()
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, to: &mut Writer<'_>) {
        to.length(self.len());
        for item in self {
            item.write(to);
        }
    }
}
