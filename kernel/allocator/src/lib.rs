//! The allocator of both WebAssembly modules: what a call uses is taken from an arena by moving a pointer, and the arena
//! is empty again when the call has given back the last of it. What outlives a call, parsed policy and keys, and what
//! does not fit in the arena is dlmalloc's, so memory stays as flat as it is with dlmalloc alone.
//!
//! It knows nothing of calls: it counts what is taken. Were something of the arena kept for good, the arena would
//! fill up and everything would be dlmalloc's. Natively this crate is empty.
#![cfg(target_family = "wasm")]
#![no_std]
#![allow(
    unsafe_code,
    reason = "an allocator cannot be written without; it is the only file besides the generated one"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::{Cell, UnsafeCell};
use core::ptr;

use dlmalloc::GlobalDlmalloc;

/// Many times what a call with a token of ordinary size uses.
const ARENA_BYTES: usize = 64 << 10;

/// The allocator; a module has one, as its `#[global_allocator]`.
#[derive(Debug)]
pub struct Allocator {
    /// Bytes of the arena in front of which everything may be taken.
    used: Cell<usize>,
    /// How many pieces of the arena are taken.
    taken: Cell<usize>,
    long_lived: Cell<bool>,
}

#[repr(align(16))]
#[derive(Debug)]
struct Arena(UnsafeCell<[u8; ARENA_BYTES]>);

/// Apart from the rest, which does not begin with zeros: so it is no part of the file.
static ARENA: Arena = Arena(UnsafeCell::new([0; ARENA_BYTES]));

// SAFETY: the module has one thread: it is built without atomics, and its memory is not shared.
unsafe impl Sync for Allocator {}
// SAFETY: the same.
unsafe impl Sync for Arena {}

impl Allocator {
    /// For a module in which all belongs to a call that nobody runs as [`Allocator::long_lived`].
    pub const fn arena() -> Self {
        Self::new(false)
    }

    /// For a module in which only what is run as [`Allocator::short_lived`] belongs to a call.
    pub const fn on_demand() -> Self {
        Self::new(true)
    }

    const fn new(long_lived: bool) -> Self {
        Self {
            used: Cell::new(0),
            taken: Cell::new(0),
            long_lived: Cell::new(long_lived),
        }
    }

    /// Runs something whose results outlive the call.
    pub fn long_lived<T>(&self, run: impl FnOnce() -> T) -> T {
        self.living(true, run)
    }

    /// Runs a call, or a part of one: what it takes is given back when the call is over.
    pub fn short_lived<T>(&self, run: impl FnOnce() -> T) -> T {
        self.living(false, run)
    }

    fn living<T>(&self, long: bool, run: impl FnOnce() -> T) -> T {
        let before = self.long_lived.replace(long);
        let result = run();
        self.long_lived.set(before);
        result
    }

    fn start() -> *mut u8 {
        ARENA.0.get().cast()
    }

    /// How far into the arena a pointer points.
    fn offset(pointer: *mut u8) -> Option<usize> {
        let offset = pointer.addr().wrapping_sub(Self::start().addr());
        (offset < ARENA_BYTES).then_some(offset)
    }

    fn take(&self, layout: Layout) -> Option<*mut u8> {
        // The arena begins at a multiple of 16; what wants more alignment is rare.
        if self.long_lived.get() || layout.align() > 16 {
            return None;
        }
        let begin = self.used.get().next_multiple_of(layout.align());
        let end = begin.checked_add(layout.size())?;
        if end > ARENA_BYTES {
            return None;
        }
        self.used.set(end);
        self.taken.set(self.taken.get() + 1);
        // SAFETY: `begin` is inside of the arena or at its end.
        Some(unsafe { Self::start().add(begin) })
    }

    fn give_back(&self, offset: usize, size: usize) {
        let taken = self.taken.get() - 1;
        self.taken.set(taken);
        if taken == 0 {
            self.used.set(0);
        } else if offset + size == self.used.get() {
            self.used.set(offset);
        }
    }
}

// SAFETY: a piece of the arena lies behind everything that is taken, within the arena, aligned as asked; it is handed
// out once until it is given back. All others are dlmalloc's, and are told apart by where they are.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(pointer) => pointer,
            // SAFETY: the caller keeps what `GlobalAlloc` asks for, here and below.
            None => unsafe { GlobalDlmalloc.alloc(layout) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match Self::offset(pointer) {
            Some(offset) => self.give_back(offset, layout.size()),
            None => unsafe { GlobalDlmalloc.dealloc(pointer, layout) },
        }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(offset) = Self::offset(pointer) else {
            return unsafe { GlobalDlmalloc.realloc(pointer, layout, size) };
        };
        // What was taken last grows where it is.
        if offset + layout.size() == self.used.get() && size <= ARENA_BYTES - offset {
            self.used.set(offset + size);
            return pointer;
        }
        if size <= layout.size() {
            return pointer;
        }
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(pointer, new, layout.size());
                self.dealloc(pointer, layout);
            }
            new
        }
    }
}
