//! Being told that something in a folder changed, instead of looking again and again.

use std::path::Path;
use std::time::Duration;

#[cfg(target_os = "linux")]
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
#[cfg(target_os = "linux")]
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Folders that are watched. A file is never watched itself: it is replaced, and a watch on it goes blind.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    inotify: Option<Inotify>,
    /// How far the watcher had read when it last waited; for its own use.
    pub seen: u64,
}

impl Watch {
    /// Watches `dir`. Where the system can't, waiting just takes a while.
    #[must_use]
    pub fn dir(dir: &Path) -> Self {
        #[cfg(target_os = "linux")]
        {
            let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CREATE;
            let watch = || {
                let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
                inotify.add_watch(dir, flags).map(|_| inotify)
            };
            Self { inotify: watch().ok(), seen: u64::MAX }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = dir;
            Self { seen: u64::MAX }
        }
    }

    /// Watches `dir` as well, but only for files that come into it by another name, as those do that are
    /// replaced: what is written there all the time, such as a log, wakes nobody. Where the system can't, this
    /// does nothing.
    #[must_use]
    pub fn and_replaced_in(self, dir: &Path) -> Self {
        #[cfg(target_os = "linux")]
        if let Some(inotify) = &self.inotify {
            // What can't be watched changes unseen until something else does.
            let _ = inotify.add_watch(dir, AddWatchFlags::IN_MOVED_TO);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = dir;
        self
    }

    /// Waits until something changed, at most `limit`.
    pub fn wait(&self, limit: Duration) {
        #[cfg(target_os = "linux")]
        if let Some(inotify) = &self.inotify {
            use std::os::fd::AsFd as _;
            let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
            let mut wanted = [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)];
            // Interrupted or told: the caller looks again in both cases.
            let _ = poll(&mut wanted, timeout);
            let _ = inotify.read_events();
            return;
        }
        std::thread::park_timeout(limit.min(Duration::from_millis(200)));
    }
}

/// Calls `tell` once, from a thread of its own, when one of `files` may have been taken away from its folder.
/// False where that can't be told; then nothing is called.
#[must_use]
pub fn when_removed(files: &[&Path], tell: impl FnOnce() + Send + 'static) -> bool {
    #[cfg(target_os = "linux")]
    {
        let flags = AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF;
        let watch = || {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
            for dir in files.iter().filter_map(|file| file.parent()) {
                inotify.add_watch(dir, flags)?;
            }
            Ok::<_, nix::Error>(inotify)
        };
        let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).map(ToOwned::to_owned).collect();
        let Ok(inotify) = watch() else { return false };
        // An event without a name is of a folder itself. A watch that breaks tells as well: look again.
        let is_theirs = move |name: Option<std::ffi::OsString>| name.is_none_or(|name| names.contains(&name));
        let run = move || {
            while inotify.read_events().is_ok_and(|events| !events.into_iter().any(|one| is_theirs(one.name)))
            {
            }
            tell();
        };
        std::thread::Builder::new().name("removals".to_owned()).spawn(run).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (files, tell);
        false
    }
}
