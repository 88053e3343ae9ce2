//! The texts of the last look-up, which both sides have: answers name them instead of writing them once more.
//!
//! A token's identifiers are in the question to storage, in the record and the session that answer it, and in the identity that comes of
//! it. Each side keeps them from the moment at which the question crossed, and both keep those of the same look-up: it has a number, which
//! JavaScript puts into the answer. Nothing is taken for known before that number came back, so the two cannot differ for long where
//! JavaScript was interrupted while it read (its stack may end anywhere).

use alloc::string::String;

use crate::ALLOCATOR;

/// A text of a look-up. The numbers are those of `js/wire/known.ts`.
#[derive(Clone, Copy)]
pub(crate) enum Slot {
    Tenant,
    Jti,
    Sid,
    Subject,
    Purpose,
    Kid,
}

/// What both sides know.
#[derive(Default)]
pub(crate) struct Known {
    texts: [String; 6],
    /// The number of the look-up that they are from.
    lookup: u32,
    /// Whether JavaScript has the texts of this look-up, and did when it began.
    confirmed: bool,
    before: bool,
}

impl Known {
    /// A new look-up, whose texts may be those of the last one. Answers its number.
    pub(crate) fn begin(&mut self) -> u32 {
        self.lookup = self.lookup.wrapping_add(1);
        self.before = core::mem::replace(&mut self.confirmed, false);
        self.lookup
    }

    /// JavaScript has the texts of the look-up with this number; whether it is the last one.
    pub(crate) fn confirm(&mut self, lookup: u32) -> bool {
        self.confirmed = lookup == self.lookup;
        self.confirmed
    }

    /// Keeps a text of the look-up that has begun, nothing where it has none; whether JavaScript has it from the one before.
    pub(crate) fn replace(&mut self, slot: Slot, text: &str) -> bool {
        let Some(known) = self.texts.get_mut(slot as usize) else {
            return false;
        };
        if known == text {
            return self.before && !text.is_empty();
        }
        known.clear();
        // It outlives the call.
        ALLOCATOR.long_lived(|| known.push_str(text));
        false
    }

    /// Whether JavaScript has this text.
    pub(crate) fn is(&self, slot: Slot, text: &str) -> bool {
        let known = self.texts.get(slot as usize);
        self.confirmed && !text.is_empty() && known.is_some_and(|known| known == text)
    }

    /// The text that JavaScript means.
    pub(crate) fn get(&self, slot: usize) -> Option<&str> {
        self.texts
            .get(slot)
            .filter(|text| self.confirmed && !text.is_empty())
            .map(String::as_str)
    }
}
