//! A shared-memory object mapped into this process, and atomic access to its words.
//!
//! Invariants: the mapping is `len` bytes long and stays until drop; every access is checked against `len`.
//! Not guaranteed: that the object keeps its size. Whoever may open it may truncate it, and an access beyond its end is then a SIGBUS.

use std::ffi::c_void;
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::time::Duration;

use rustix::fs::{self, FallocateFlags, Mode, OFlags};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use rustix::thread::futex;

use crate::error::ChannelError;
use crate::sync::{AtomicU32, AtomicU64};

/// Where POSIX shared-memory objects are files on Linux.
pub(crate) const DIRECTORY: &str = "/dev/shm";
/// What `create` makes sure of: a header never meets a full file system. The data is reserved by who joins.
const RESERVED_BYTES: u64 = 4096;

/// The path of a named object.
pub(crate) fn path(name: &str) -> String {
    format!("{DIRECTORY}/{name}")
}

/// A mapped object of a fixed size; unmapped when the last holder drops it.
pub struct Region {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: a region is plain memory with atomic words; who may touch the data bytes is ruled by the ring protocol, not by the thread.
unsafe impl Send for Region {}
// SAFETY: as above; shared access goes through atomics, or through `data` and `data_mut`, whose callers own the bytes by protocol.
unsafe impl Sync for Region {}

impl Region {
    /// Creates `/dev/shm/NAME` exclusively, mode 0600, `bytes` long, zeroed, and maps it.
    ///
    /// # Errors
    /// `Io`: the name exists, or the system refused.
    pub fn create(name: &str, bytes: usize) -> Result<Self, ChannelError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::open(path(name), flags, Mode::RUSR | Mode::WUSR)?;
        fs::ftruncate(&fd, bytes as u64)?;
        reserve(&fd, RESERVED_BYTES.min(bytes as u64))?;
        Ok(Self::map(&fd, bytes)?)
    }

    /// Maps an existing object whole; refuses one owned by another user, or smaller than `least` bytes.
    ///
    /// # Errors
    /// `Absent`: no such object, or not yet sized. `Malformed`: too small. `Io`: another user's, or the system refused.
    pub fn open(name: &str, least: usize) -> Result<Self, ChannelError> {
        let (fd, len) = open_object(name)?;
        if len < least {
            return Err(ChannelError::Malformed("the object is smaller than its layout"));
        }
        Ok(Self::map(&fd, len)?)
    }

    /// Takes the memory of a whole object now, so that a full `/dev/shm` is an error here and not a SIGBUS later.
    pub(crate) fn reserve(name: &str) -> Result<(), ChannelError> {
        let (fd, len) = open_object(name)?;
        reserve(&fd, len as u64)
    }

    /// Private memory of the same shape, for tests.
    #[must_use]
    pub fn private(bytes: usize) -> Self {
        // SAFETY: a fresh anonymous mapping aliases nothing.
        let base = unsafe { mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED) };
        Self {
            base: NonNull::new(base.expect("anonymous memory").cast()).expect("not null"),
            len: bytes,
        }
    }

    fn map(fd: &OwnedFd, len: usize) -> io::Result<Self> {
        // SAFETY: a fresh shared mapping; other processes' writes to it are what atomics and the ring protocol are for.
        let base = unsafe { mmap(ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, fd, 0) }?;
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { base, len })
    }

    /// Removes the name; processes that have it mapped keep it. An absent name is no error.
    ///
    /// # Errors
    /// `Io`: the system refused.
    pub fn unlink(name: &str) -> Result<(), ChannelError> {
        match fs::unlink(path(name)) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes; never true.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The word at a byte offset that is a multiple of 4.
    pub(crate) fn u32(&self, at: usize) -> &AtomicU32 {
        let word = self.check(at, size_of::<AtomicU32>());
        // SAFETY: inside the mapping (checked), aligned (the base is a page, `at` a multiple of 4), and only ever accessed atomically.
        unsafe { &*word.cast() }
    }

    /// The word at a byte offset that is a multiple of 8.
    pub(crate) fn u64(&self, at: usize) -> &AtomicU64 {
        let word = self.check(at, size_of::<AtomicU64>());
        // SAFETY: inside the mapping (checked), aligned (the base is a page, `at` a multiple of 8), and only ever accessed atomically.
        unsafe { &*word.cast() }
    }

    fn check(&self, at: usize, size: usize) -> *mut u8 {
        assert!(at.is_multiple_of(size) && at + size <= self.len, "a word outside of the region");
        // SAFETY: `at` lies inside the mapping, as just checked.
        unsafe { self.base.as_ptr().add(at) }
    }

    fn bytes(&self, at: usize, len: usize) -> *mut u8 {
        assert!(
            at.checked_add(len).is_some_and(|end| end <= self.len),
            "bytes outside of the region"
        );
        // SAFETY: `at` lies inside the mapping or is its end, as just checked.
        unsafe { self.base.as_ptr().add(at) }
    }

    /// Published bytes, for reading.
    ///
    /// # Safety
    /// By the ring protocol nobody writes them while the slice lives.
    pub(crate) unsafe fn data(&self, at: usize, len: usize) -> &[u8] {
        // SAFETY: inside the mapping (checked); the caller vouches that nobody writes.
        unsafe { std::slice::from_raw_parts(self.bytes(at, len), len) }
    }

    /// Claimed bytes, for writing.
    ///
    /// # Safety
    /// By the ring protocol nobody else touches them while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "the caller owns the bytes by protocol, not by borrow")]
    pub(crate) unsafe fn data_mut(&self, at: usize, len: usize) -> &mut [u8] {
        // SAFETY: inside the mapping (checked); the caller vouches that the bytes are its own.
        unsafe { std::slice::from_raw_parts_mut(self.bytes(at, len), len) }
    }

    /// Reads a message's length exactly once: a hostile producer may change it between two reads.
    pub(crate) fn prefix(&self, at: usize) -> u32 {
        let from = self.bytes(at, 4).cast::<[u8; 4]>();
        // SAFETY: 4 bytes inside the mapping (checked), alignment 1; volatile because another process may write.
        u32::from_le_bytes(unsafe { ptr::read_volatile(from) })
    }

    /// Sleeps while the word at `at` still is `seen`, at most `timeout`; may return earlier for no reason.
    pub(crate) fn futex_wait(&self, at: usize, seen: u32, timeout: Option<Duration>) {
        let timeout = timeout.map(|limit| futex::Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        // Not the private variant: the other process must find us. Every error (changed, interrupted, timed out) means: look again.
        let _ = futex::wait(self.u32(at), futex::Flags::empty(), seen, timeout.as_ref());
    }

    /// Wakes one sleeper of the word at `at`.
    pub(crate) fn futex_wake(&self, at: usize) {
        // A wake of a mapped, aligned word cannot fail.
        let _ = futex::wake(self.u32(at), futex::Flags::empty(), 1);
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: this very mapping, made in `map` or `private`; nobody holds a reference into it, since all borrow `self`.
        let _ = unsafe { munmap(self.base.as_ptr().cast::<c_void>(), self.len) };
    }
}

fn reserve(fd: &OwnedFd, bytes: u64) -> Result<(), ChannelError> {
    match fs::fallocate(fd, FallocateFlags::KEEP_SIZE, 0, bytes) {
        // A file system that cannot reserve: nothing is promised then.
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn open_object(name: &str) -> Result<(OwnedFd, usize), ChannelError> {
    let fd = match fs::open(
        path(name),
        OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::empty(),
    ) {
        Err(rustix::io::Errno::NOENT) => return Err(ChannelError::Absent),
        other => other?,
    };
    let stat = fs::fstat(&fd)?;
    if fs::FileType::from_raw_mode(stat.st_mode) != fs::FileType::RegularFile {
        return Err(ChannelError::Malformed("not a shared-memory object"));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        let text = format!("{name} belongs to user {}, not to us", stat.st_uid);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text).into());
    }
    match usize::try_from(stat.st_size) {
        Ok(0) | Err(_) => Err(ChannelError::Absent),
        Ok(len) => Ok((fd, len)),
    }
}
