//! The names of a server's objects, what a dead server left of them, and the lock under which one server at a time makes or removes them.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{self, FlockOperation, Mode, OFlags};

use crate::error::ChannelError;
use crate::layout::{DOORBELL_BYTES, DOORBELL_MAGIC, MAGIC, NAME_BYTES, SERVER};
use crate::owner::Owner;
use crate::region::{DIRECTORY, Region, path};
use crate::sync::Ordering::{Acquire, Relaxed};

/// How often the lock's file may change under us before we give up: each time another server came and went.
const LOCK_ATTEMPTS: u32 = 100;
/// How long the end of a server waits for one that is just looking whether the name is free: it needs a few milliseconds.
const LOCK_RETRIES: u32 = 100;

pub(crate) fn doorbell(name: &str) -> String {
    format!("{name}_req_doorbell")
}
/// The doorbell until it is complete.
pub(crate) fn doorbell_new(name: &str) -> String {
    format!("{name}_req_doorbell_new")
}
pub(crate) fn request_bell(name: &str) -> String {
    format!("{name}_req_bell")
}
pub(crate) fn request_ring(name: &str, slot: u32) -> String {
    format!("{name}_req_ring_{slot}")
}
pub(crate) fn response_ring(name: &str, slot: u32) -> String {
    format!("{name}_resp_{slot}")
}
pub(crate) fn response_bell(name: &str, slot: u32) -> String {
    format!("{name}_resp_bell_{slot}")
}

/// Refuses what cannot be the name of objects.
pub(crate) fn check_name(name: &str) -> Result<(), ChannelError> {
    let text = if name.is_empty() || name == "." || name == ".." {
        "a shared-memory name must not be empty or dots".to_owned()
    } else if name.contains(['/', '\0']) {
        "a shared-memory name has no slash: it is not a path".to_owned()
    } else if name.len() > NAME_BYTES {
        format!("a shared-memory name has at most {NAME_BYTES} bytes")
    } else {
        return Ok(());
    };
    Err(invalid(&text))
}

/// A caller's mistake.
pub(crate) fn invalid(text: &str) -> ChannelError {
    io::Error::new(io::ErrorKind::InvalidInput, text).into()
}

/// Whether a server may take this name: nothing is there, or what a dead server of ours left. Our doorbells appear complete, by rename:
/// one without our magic is another program's, of which nobody can say whether it lives.
pub(crate) fn check_free(name: &str) -> Result<(), ChannelError> {
    let doorbell = doorbell(name);
    match Region::open(&doorbell, DOORBELL_BYTES) {
        // Acquire: pairs with the Release in `ServerChannel::make`.
        Ok(region) if region.u64(DOORBELL_MAGIC).load(Acquire) == MAGIC => {
            server_of(&region).map_or(Ok(()), |server| Err(ChannelError::InUse { pid: server.pid() }))
        }
        // An object of no bytes is absent to clients, but it is there.
        Err(ChannelError::Absent) if fs::stat(path(&doorbell)).is_err() => Ok(()),
        Ok(_) | Err(ChannelError::Absent | ChannelError::Malformed(_)) => Err(ChannelError::Foreign { object: doorbell }),
        Err(error) => Err(error),
    }
}

/// The living server of a doorbell of ours; one that said that it leaves does not count.
pub(crate) fn server_of(doorbell: &Region) -> Option<Owner> {
    if doorbell.u64(DOORBELL_MAGIC).load(Relaxed) != MAGIC {
        return None;
    }
    let word = doorbell.u64(SERVER).load(Relaxed);
    Owner::from_word(word).filter(|server| server.word() == word && server.lives())
}

/// Removes every object of this name's server, the doorbell first, so that nobody joins what is half gone.
pub(crate) fn remove_all(name: &str) -> Result<(), ChannelError> {
    Region::unlink(&doorbell(name))?;
    for entry in std::fs::read_dir(DIRECTORY)? {
        let file = entry?.file_name();
        let Some(file) = file.to_str() else { continue };
        if file.strip_prefix(name).is_some_and(is_suffix) {
            Region::unlink(file)?;
        }
    }
    Ok(())
}

fn is_suffix(suffix: &str) -> bool {
    let numbered = ["_req_ring_", "_resp_bell_", "_resp_"]
        .iter()
        .find_map(|kind| suffix.strip_prefix(kind));
    matches!(suffix, "_req_bell" | "_req_doorbell_new")
        || numbered.is_some_and(|number| !number.is_empty() && number.len() <= 10 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The right to make and remove a name's objects; a file that exists only while it is held, or after a kill, which frees it.
pub(crate) struct Lock {
    name: String,
    _fd: OwnedFd,
}

impl Lock {
    /// Takes it now, or says who has it.
    pub(crate) fn take(server: &str) -> Result<Self, ChannelError> {
        let name = format!("{server}_req_lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..LOCK_ATTEMPTS {
            let fd = fs::open(path(&name), flags, Mode::RUSR | Mode::WUSR)?;
            match fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(ChannelError::InUse { pid: read_pid(&fd) }),
                other => other?,
            }
            // Its last holder may have removed it after we opened it: then we hold the lock of nothing.
            if is_at(&fd, &name)? {
                // Its last holder, if killed, left its own pid there, which may be longer.
                fs::ftruncate(&fd, 0)?;
                rustix::io::pwrite(&fd, std::process::id().to_string().as_bytes(), 0)?;
                return Ok(Self { name, _fd: fd });
            }
        }
        Err(ChannelError::InUse { pid: 0 })
    }

    /// As `take`, but waits a little for who has it.
    pub(crate) fn take_patiently(server: &str) -> Result<Self, ChannelError> {
        for _ in 0..LOCK_RETRIES {
            match Self::take(server) {
                Err(ChannelError::InUse { .. }) => std::thread::sleep(Duration::from_millis(2)),
                other => return other,
            }
        }
        Self::take(server)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while held, so that nobody else's is removed; if it fails the next server takes it over.
        let _ = Region::unlink(&self.name);
    }
}

/// Whether `fd` is the object that has this name.
pub(crate) fn is_at(fd: &OwnedFd, name: &str) -> Result<bool, ChannelError> {
    let held = fs::fstat(fd)?;
    match fs::stat(path(name)) {
        Ok(named) => Ok(named.st_ino == held.st_ino && named.st_dev == held.st_dev),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn read_pid(fd: &OwnedFd) -> u32 {
    let mut text = [0u8; 10];
    let read = rustix::io::pread(fd, &mut text, 0).unwrap_or(0);
    std::str::from_utf8(&text[..read])
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_a_servers_own_objects_are_taken_for_its_leftovers() {
        for ours in [
            "_req_ring_0",
            "_req_ring_1023",
            "_resp_7",
            "_resp_bell_7",
            "_req_bell",
            "_req_doorbell_new",
        ] {
            assert!(is_suffix(ours), "{ours}");
        }
        for other in [
            "",
            "_resp_",
            "_resp_x",
            "_resp_1_req_ring_0",
            "_req_ring_0x",
            "_request",
            "_response",
            "_resp_-1",
            "2_resp_1",
        ] {
            assert!(!is_suffix(other), "{other}");
        }
    }

    #[test]
    fn a_name_is_no_path() {
        for bad in ["", ".", "..", "a/b", "/a", "a\0b", &"x".repeat(NAME_BYTES + 1)] {
            assert!(
                matches!(check_name(bad), Err(ChannelError::Io(error)) if error.kind() == io::ErrorKind::InvalidInput),
                "{bad}"
            );
        }
        assert!(check_name(&"x".repeat(NAME_BYTES)).is_ok());
    }

    #[test]
    fn the_lock_names_its_holder_and_leaves_nothing_behind() {
        let name = format!("pp-lock-{}", std::process::id());
        // What a killed holder left.
        std::fs::write(path(&format!("{name}_req_lock")), "4194303999").expect("written");
        let held = Lock::take(&name).expect("free");
        assert!(matches!(Lock::take(&name), Err(ChannelError::InUse { pid }) if pid == std::process::id()));
        let written = std::fs::read_to_string(path(&format!("{name}_req_lock"))).expect("there");
        assert_eq!(written, std::process::id().to_string());
        drop(held);
        assert!(!std::path::Path::new(&path(&format!("{name}_req_lock"))).exists());
        drop(Lock::take(&name).expect("free again"));
    }
}
