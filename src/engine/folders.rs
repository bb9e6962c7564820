//! Whether the folders that sessions worked in are still there: a conversation goes on only in its own.
//!
//! One invariant: each folder is looked for once, however many sessions worked in it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use super::isolate::looks_like_place;
use crate::model::{SessionRecord, Thread};

/// What is known of folders, within one command.
#[derive(Debug, Default)]
pub(super) struct Folders {
    seen: RefCell<HashMap<PathBuf, bool>>,
}

impl Folders {
    /// Why the newest conversation of a thread can't go on; `None` when it can, as far as that is known here.
    pub(super) fn hindrance(&self, thread: &Thread) -> Option<String> {
        match thread.resumable(None) {
            Err(why) => Some(why.to_string()),
            // It is made anew where it was.
            Ok(record) if record.directory.as_deref().is_some_and(|at| looks_like_place(thread.id, at)) => {
                None
            }
            Ok(record) => self.gone(record),
        }
    }

    /// In words, when the folder of a session is gone. A record that tells none worked in the checkout.
    fn gone(&self, record: &SessionRecord) -> Option<String> {
        let folder = record.directory.as_ref()?;
        if let Some(&there) = self.seen.borrow().get(folder) {
            return (!there).then(|| words(folder));
        }
        let there = folder.is_dir();
        self.seen.borrow_mut().insert(folder.clone(), there);
        (!there).then(|| words(folder))
    }
}

fn words(folder: &std::path::Path) -> String {
    format!("the folder that its session worked in is gone: `{}`", folder.display())
}
