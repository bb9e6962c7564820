//! A command's side of the connection: synchronous; whoever follows it listens in a thread of its own.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{ClientMessage, CodecError, LineReader, PROTOCOL, Refusal, ServerMessage, VERSION, send};

/// Why there is no talking to the supervisor.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no supervisor listens on `{socket}`")]
    Unreachable {
        /// The socket.
        socket: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It listens, and does not answer, or hangs up.
    #[error("the supervisor does not answer")]
    NoAnswer(#[source] Option<CodecError>),
    /// It is of another version.
    #[error("the running supervisor is of another version: {message}")]
    OtherVersion {
        /// Its own words.
        message: String,
    },
    /// It refuses.
    #[error("the supervisor refuses: {message}")]
    Refused {
        /// The reason as a kind.
        reason: Refusal,
        /// Its own words.
        message: String,
    },
}

/// What comes from the supervisor.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Box<ServerMessage>),
    /// It hung up, or said something that makes no sense.
    Gone,
}

/// A connection that has been greeted.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    reader: LineReader<UnixStream>,
}

/// The receiving side.
#[derive(Debug)]
pub struct Listener {
    reader: LineReader<UnixStream>,
}

/// The sending side. The connection ends when this is dropped, and its turn with it.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
}

/// How long an answer may take that needs no work.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a supervisor may take to end its agents before it hangs up.
const FAREWELL: Duration = Duration::from_secs(60);

impl Client {
    /// Connects to the socket and greets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket)
            .map_err(|source| ClientError::Unreachable { socket: socket.display().to_string(), source })?;
        Self::greet(stream)
    }

    /// Greets whoever is at the other end of `stream`.
    ///
    /// # Errors
    /// [`ClientError`], except `Unreachable`.
    pub fn greet(stream: UnixStream) -> Result<Self, ClientError> {
        let reading = stream.try_clone().map_err(|error| ClientError::NoAnswer(Some(error.into())))?;
        let reader = LineReader::new(reading);
        let mut client = Self { connection: Connection { stream }, reader };
        let hello = ClientMessage::Hello { protocol: PROTOCOL, version: VERSION.to_owned() };
        match client.ask(&hello)? {
            ServerMessage::Welcome { .. } => Ok(client),
            other => Err(unexpected(other)),
        }
    }

    /// Sends a message and waits for the one answer to it.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`] after ten seconds, or when the supervisor is gone.
    pub fn ask(&mut self, message: &ClientMessage) -> Result<ServerMessage, ClientError> {
        self.ask_within(message, ANSWER)
    }

    /// The same, for a message whose answer takes as long as an agent does.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`] after `limit`, or when the supervisor is gone.
    pub fn ask_within(
        &mut self,
        message: &ClientMessage,
        limit: Duration,
    ) -> Result<ServerMessage, ClientError> {
        self.connection.send(message)?;
        let no_answer = |error: CodecError| ClientError::NoAnswer(Some(error));
        self.connection.stream.set_read_timeout(Some(limit)).map_err(|error| no_answer(error.into()))?;
        match self.reader.next_message().map_err(no_answer)? {
            Some(ServerMessage::Refused { reason: Refusal::Version, message }) => {
                Err(ClientError::OtherVersion { message })
            }
            Some(ServerMessage::Refused { reason, message }) => Err(ClientError::Refused { reason, message }),
            Some(answer) => Ok(answer),
            None => Err(ClientError::NoAnswer(None)),
        }
    }

    /// Asks a supervisor of another version, to which we were refused, to make room.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when it has turns running; [`ClientError`] otherwise.
    pub fn retire(socket: &Path) -> Result<(), ClientError> {
        let stream = UnixStream::connect(socket)
            .map_err(|source| ClientError::Unreachable { socket: socket.display().to_string(), source })?;
        let gone = |error: CodecError| ClientError::NoAnswer(Some(error));
        stream.set_read_timeout(Some(ANSWER)).map_err(|error| gone(error.into()))?;
        send(&stream, &ClientMessage::Retire).map_err(gone)?;
        let mut reader = LineReader::new(&stream);
        match reader.next_message().map_err(gone)? {
            Some(ServerMessage::Stopping) => {}
            Some(other) => return Err(unexpected(other)),
            None => return Ok(()),
        }
        // It hangs up when it is gone, and its agents with it.
        stream.set_read_timeout(Some(FAREWELL)).map_err(|error| gone(error.into()))?;
        while reader.next_message::<ServerMessage>().map_err(gone)?.is_some() {}
        Ok(())
    }

    /// Waits until the supervisor hangs up; false when it has not done so in time.
    #[must_use]
    pub fn wait_until_gone(mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // A limit of nothing would be none.
            if left.is_zero() || self.connection.stream.set_read_timeout(Some(left)).is_err() {
                return false;
            }
            match self.reader.next_message::<ServerMessage>() {
                Ok(Some(_)) => {}
                Err(CodecError::Io(error)) if is_late(&error) => return false,
                Ok(None) | Err(_) => return true,
            }
        }
    }

    /// Both sides, to be used by different threads.
    #[must_use]
    pub fn into_parts(self) -> (Connection, Listener) {
        (self.connection, Listener { reader: self.reader })
    }
}

/// Whether a read took longer than it may.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Listener {
    /// Starts a thread that gives `hear` all that comes, until it wants no more (false), or the supervisor has
    /// hung up, which it hears as well.
    pub fn listen(mut self, mut hear: impl FnMut(Incoming) -> bool + Send + 'static) {
        std::thread::spawn(move || {
            // A turn is silent for as long as it likes.
            let forever = self.reader.get_ref().set_read_timeout(None);
            while let (Ok(()), Ok(Some(message))) = (&forever, self.reader.next_message()) {
                if !hear(Incoming::Message(Box::new(message))) {
                    return;
                }
            }
            hear(Incoming::Gone);
        });
    }
}

impl Connection {
    /// Sends a message.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`] when the supervisor is gone.
    pub fn send(&self, message: &ClientMessage) -> Result<(), ClientError> {
        send(&self.stream, message).map_err(|error| ClientError::NoAnswer(Some(error)))
    }
}

impl Drop for Connection {
    /// Hangs up, so that the reader thread and the supervisor both know.
    fn drop(&mut self) {
        // A connection that is gone already is what we want.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn unexpected(answer: ServerMessage) -> ClientError {
    match answer {
        ServerMessage::Refused { reason: Refusal::Version, message } => ClientError::OtherVersion { message },
        ServerMessage::Refused { reason, message } => ClientError::Refused { reason, message },
        _ => ClientError::NoAnswer(None),
    }
}
