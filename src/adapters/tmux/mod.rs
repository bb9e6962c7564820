//! tmux: how a person watches the threads of a batch, one window each.
//!
//! A thin wrapper: one call is one run of the tmux program, with the socket always named and
//! windows always addressed by id. It never learns how a thread went (that comes from the agents'
//! protocols), sends no keys, and reads no screen.
//!
//! tmux reads more into its arguments than one would wish, so all of them pass `list`; its names
//! and paths are handled as `names` and `window` say. One invariant: nothing that a user has
//! written is expanded, split or run by tmux, and no global option of the user's own server is
//! changed.

mod error;
mod list;
mod message;
mod names;
mod open;
mod options;
mod program;
mod server;
mod window;

pub use error::TmuxError;
pub use message::show_message;
pub use names::{SessionName, Title};
pub use program::Program;
pub use server::{Server, socket_of};
pub use window::{Opened, PaneId, Window, WindowId, WindowSpec};
