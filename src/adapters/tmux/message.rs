//! Words in the status line of whoever looks at a tmux server.

use std::path::Path;

use super::error::TmuxError;
use super::list::List;
use super::names::Title;
use super::program::Program;
use super::server::Server;

/// How long they stand, in milliseconds, unless a key is pressed.
const STAND: &str = "8000";

/// How many columns of them are shown.
const WIDTH: usize = 160;

/// Shows a line to everybody who looks at the server of this socket; tells how many that were. A server that
/// is gone has nobody.
///
/// # Errors
/// What tmux said, such as that it is missing.
pub fn show_message(program: &Program, socket: &Path, text: &str) -> Result<usize, TmuxError> {
    let server = Server::existing(program, socket);
    let clients = match server.run(List::new().command("list-clients").args(["-F", "#{client_name}"])) {
        Err(error) if error.is_no_server() => return Ok(0),
        clients => clients?.text(),
    };
    // Expanded like a format, and before that like a time of day.
    let line = Title::wide(text, WIDTH).as_format().replace('%', "%%");
    let mut shown = 0;
    for client in clients.lines() {
        let words = ["-c", client, "-d", STAND, &line];
        // Whoever has just left needs no message.
        shown += usize::from(server.run(List::new().command("display-message").args(words)).is_ok());
    }
    Ok(shown)
}
