//! The check of a thread's work: the commands of its `**Verify:**`, run where it works.
//!
//! An attempt carries from its beginning that a check is due, so whatever dies in between leaves a thread that is
//! not done. The commands run one after another, after the turn's end is on record, and stop at the first that
//! fails: what comes after it would say little, and may take long. One invariant: only commands that a person has
//! approved are run, and an agent that edits the plan in its turn changes nothing of what checks that turn.

mod by_hand;
mod line;
mod perform;
mod record;
mod what;
mod words;

pub use by_hand::{ByHand, Checked, VerifyError, by_hand};
pub use perform::{Check, Order, perform};
pub use record::{MARK, end_check, mark};
pub use what::{What, what};
pub use words::{failure, open_words, unsettled};
