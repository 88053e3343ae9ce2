//! The head of SQLite's WAL index: memory that all processes with the database open share, and that every commit
//! changes before it is answered. <https://sqlite.org/walformat.html#the_wal_index_file_format>
#![allow(
    unsafe_code,
    reason = "SQLite's shared memory is reached through its C interface"
)]

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use rusqlite::{Connection, ffi};

/// What the head says: version, padding, counter of transactions, flags, frames, pages, checksum of the last frame,
/// salts, checksum of the head.
pub(super) type Head = [u32; WORDS];

const WORDS: usize = 12;

/// Of the only format there has been.
const VERSION: u32 = 3_007_000;

/// SQLite maps the index in pieces of this size: 4096 page numbers and 8192 hash slots.
const PIECE: c_int = 32_768;

/// The head, mapped, and the connection that keeps it so.
pub(super) struct WalIndex {
    head: NonNull<u32>,
    /// Its memory stays mapped until this is closed, which is when this is dropped. Nothing is ever run on it.
    _sql: Mutex<Box<Connection>>,
}

// SAFETY: the memory is only read, atomically, and belongs to no thread.
unsafe impl Send for WalIndex {}
// SAFETY: the same.
unsafe impl Sync for WalIndex {}

impl WalIndex {
    /// Takes a connection that has read something; gives it back where there is no such memory: the database has no
    /// write-ahead log, or the system shares none.
    pub(super) fn of(sql: Box<Connection>) -> Result<Self, Box<Connection>> {
        match mapped(&sql) {
            Some(head) => {
                let index = Self {
                    head,
                    _sql: Mutex::new(sql),
                };
                Ok(index)
            }
            None => Err(sql),
        }
    }

    /// The head as it is now, read as SQLite's readers do. `None` while a commit is writing it, and when it has to
    /// be recovered.
    pub(super) fn head(&self) -> Option<Head> {
        // What the caller has heard of happened before: no load below may be earlier.
        fence(Ordering::SeqCst);
        let first = self.copy(0);
        // Writers go the other way round, the second copy first.
        fence(Ordering::SeqCst);
        let second = self.copy(WORDS);
        let [version, _, _, flags, ..] = first;
        let [is_initialized, ..] = flags.to_ne_bytes();
        (first == second && version == VERSION && is_initialized == 1).then_some(first)
    }

    fn copy(&self, start: usize) -> Head {
        std::array::from_fn(|index| {
            // SAFETY: the two copies of the head are the first 24 words of the piece, which is aligned to a page and
            // mapped for as long as the connection is open. Others write it while it is read: hence atomically.
            unsafe { AtomicU32::from_ptr(self.head.as_ptr().add(start + index)) }
                .load(Ordering::Relaxed)
        })
    }
}

fn mapped(sql: &Connection) -> Option<NonNull<u32>> {
    let mode = sql.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
    if mode.ok()? != "wal" {
        return None;
    }
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the connection is open, and this operation writes one pointer.
    let code = unsafe {
        ffi::sqlite3_file_control(
            sql.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_FILE_POINTER,
            (&raw mut file).cast::<c_void>(),
        )
    };
    if code != ffi::SQLITE_OK || file.is_null() {
        return None;
    }
    // SAFETY: SQLite's file is valid for as long as the connection is open, and so are its methods.
    let methods = unsafe { (*file).pMethods.as_ref() }?;
    if methods.iVersion < 2 {
        return None;
    }
    let map = methods.xShmMap?;
    let mut piece: *mut c_void = ptr::null_mut();
    // SAFETY: the first piece was mapped when the connection read with a write-ahead log; asked for again, without
    // extending anything, SQLite answers where it is.
    let code = unsafe { map(file, 0, PIECE, 0, &raw mut piece) };
    if code != ffi::SQLITE_OK {
        return None;
    }
    NonNull::new(piece.cast::<u32>())
}
