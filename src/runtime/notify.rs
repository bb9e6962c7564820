//! Tells people who are looking elsewhere: each thing once, and never more than one message at a time.
//!
//! What happens within a moment is told together, and messages keep their distance: fifty threads that fail
//! at once are one line. Nothing here holds up a turn, and what can't be told is in the log.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::RuntimeSettings;
use crate::adapters::{desktop, tmux};
use crate::engine::hint::chain;
use crate::engine::notice::{Notice, Notification, of_ask, of_budget, of_end, summary};
use crate::ipc::{Notifying, TurnSpec};
use crate::model::{Ask, BatchId, NoticeKind, Stream, StreamId, ThreadId};
use crate::store::Store;
use crate::sys::clock::Clock;
use crate::sys::process;

/// What happens within this time is told together.
const TOGETHER: Duration = Duration::from_millis(300);

/// The time between two messages.
const DISTANCE: Duration = Duration::from_secs(2);

/// How long a person's own command may take.
const COMMAND: Duration = Duration::from_secs(30);

/// How long an exit is held up by what is still to be told.
const FAREWELL: Duration = Duration::from_secs(5);

/// Something happened in a thread.
struct News {
    stream_dir: PathBuf,
    thread: ThreadId,
    what: What,
    to: Notifying,
}

/// What happened.
enum What {
    /// Its turn has ended.
    Ended,
    /// Its agent asks this.
    Asks(Ask),
    /// The end of its turn says this of a budget.
    Budget(String),
}

/// The one who tells.
pub(super) struct Notifier {
    /// `None` once nothing more is told.
    news: Mutex<Option<UnboundedSender<News>>>,
    teller: Mutex<Option<JoinHandle<()>>>,
}

impl Notifier {
    pub(super) fn new(settings: &RuntimeSettings) -> Self {
        let (news, incoming) = unbounded_channel();
        let teller = Teller {
            root: settings.root.clone(),
            tmux: settings.tmux.clone(),
            clock: settings.clock,
            over: HashMap::new(),
        };
        let teller = tokio::spawn(teller.tell_all(incoming));
        Self { news: Mutex::new(Some(news)), teller: Mutex::new(Some(teller)) }
    }

    /// The turn of a thread has ended, and its end is recorded.
    pub(super) fn ended(&self, spec: &TurnSpec) {
        self.send(spec, What::Ended);
    }

    /// The agent of a thread waits for a person.
    pub(super) fn waits(&self, spec: &TurnSpec, ask: &Ask) {
        self.send(spec, What::Asks(ask.clone()));
    }

    /// The end of a thread's turn says something of a budget that was not so before.
    pub(super) fn budget(&self, spec: &TurnSpec, text: String) {
        self.send(spec, What::Budget(text));
    }

    fn send(&self, spec: &TurnSpec, what: What) {
        let Some(to) = spec.notify.clone() else { return };
        let news = News { stream_dir: spec.stream_dir.clone(), thread: spec.thread, what, to };
        if let Some(teller) = &*self.news.lock().unwrap_or_else(PoisonError::into_inner) {
            // A teller that is gone has panicked, which is in the log.
            let _ = teller.send(news);
        }
    }

    /// Tells what is still to be told, for a while, and nothing more.
    pub(super) async fn close(&self) {
        drop(self.news.lock().unwrap_or_else(PoisonError::into_inner).take());
        let teller = self.teller.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(teller) = teller
            && timeout(FAREWELL, teller).await.is_err()
        {
            tracing::warn!("the last notifications took too long, and were left");
        }
    }
}

/// The attempts of a batch's threads: a batch is over once for each.
type Attempts = Vec<(ThreadId, u32)>;

struct Teller {
    root: PathBuf,
    tmux: Option<PathBuf>,
    clock: Clock,
    /// The batches that were told to be over.
    over: HashMap<(StreamId, BatchId), Attempts>,
}

impl Teller {
    async fn tell_all(mut self, mut incoming: UnboundedReceiver<News>) {
        let mut next = Instant::now();
        while let Some(first) = incoming.recv().await {
            let mut news = vec![first];
            let until = next.max(Instant::now() + TOGETHER);
            // Up to the time, or to the end of all news.
            while let Ok(Some(more)) = timeout_at(until, incoming.recv()).await {
                news.push(more);
            }
            let told = tokio::task::spawn_blocking(move || {
                self.tell(&news);
                self
            });
            match told.await {
                Ok(teller) => self = teller,
                Err(error) => return tracing::error!(%error, "telling panicked; nothing more is told"),
            }
            next = Instant::now() + DISTANCE;
        }
    }

    /// Tells each audience what it wants to hear.
    fn tell(&mut self, news: &[News]) {
        let mut audiences: Vec<(&Notifying, Vec<Notice>)> = Vec::new();
        for news in news {
            let notices: Vec<Notice> = self.notices(news);
            let place = audiences.iter().position(|(to, _)| **to == news.to).unwrap_or_else(|| {
                audiences.push((&news.to, Vec::new()));
                audiences.len() - 1
            });
            if let Some((to, told)) = audiences.get_mut(place) {
                told.extend(notices.into_iter().filter(|notice| to.how.on.contains(&notice.kind)));
            }
        }
        for (to, notices) in audiences {
            if !notices.is_empty() {
                self.deliver(to, notices);
            }
        }
    }

    fn notices(&mut self, news: &News) -> Vec<Notice> {
        let stream = match Store::open(&news.stream_dir, self.clock).read() {
            Ok(stream) => stream,
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(thread = %news.thread, %error, "what happened can't be told: no state");
                return Vec::new();
            }
        };
        match &news.what {
            What::Budget(text) => of_budget(&stream, news.thread, text.clone()).into_iter().collect(),
            What::Asks(ask) => of_ask(&stream, news.thread, ask).into_iter().collect(),
            What::Ended => {
                let mut notices = of_end(&stream, news.thread);
                notices
                    .retain(|notice| notice.kind != NoticeKind::Batch || self.is_new(&stream, notice.batch));
                notices
            }
        }
    }

    /// Whether a batch that is over was not told to be so with the same attempts: its last two threads may
    /// have ended together.
    fn is_new(&mut self, stream: &Stream, batch: BatchId) -> bool {
        let threads = stream.threads.iter().filter(|thread| thread.id.batch == batch);
        let attempts: Attempts = threads.map(|thread| (thread.id, thread.next_attempt())).collect();
        let told = self.over.insert((stream.id.clone(), batch), attempts.clone());
        told != Some(attempts)
    }

    fn deliver(&self, to: &Notifying, notices: Vec<Notice>) {
        let text = summary(&notices);
        if to.how.tmux {
            self.on_status_lines(to, &text);
        }
        if to.how.desktop
            && let Err(error) = desktop::show("work", &text)
        {
            tracing::warn!(error = chain(&error), "the desktop shows no notification");
        }
        if let Some((program, args)) = to.how.command.split_first() {
            let notification = Notification { at: self.clock.now(), text, notices };
            if let Err(error) = self.run(program, args, &notification) {
                tracing::warn!(%error, "the command of `notify.command` failed");
            }
        }
    }

    fn on_status_lines(&self, to: &Notifying, text: &str) {
        // A socket that is not there needs no program to find that out.
        let sockets: BTreeSet<_> = to.tmux.iter().filter(|socket| socket.exists()).collect();
        if sockets.is_empty() {
            return;
        }
        let shown = tmux::Program::find(self.tmux.as_deref()).and_then(|program| {
            sockets.iter().try_for_each(|socket| {
                tmux::show_message(&program, socket, &format!("work: {text}")).map(drop)
            })
        });
        if let Err(error) = shown {
            tracing::warn!(error = chain(&error), "tmux shows no notification");
        }
    }

    fn run(&self, program: &str, args: &[String], notification: &Notification) -> Result<(), String> {
        let json = serde_json::to_vec(notification).map_err(|error| error.to_string())?;
        let mut command = process::command(program);
        command.args(args).current_dir(&self.root);
        let output = process::run(command, Some(json), COMMAND).map_err(|error| chain(&error))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("`{program}` ended with {}: {}", output.status, output.error_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Notify;
    use crate::model::{StreamState, Task, TaskStatus, Thread};

    /// A batch of fifty threads that are done, in a folder of its own.
    fn finished() -> (tempfile::TempDir, PathBuf, Vec<ThreadId>) {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("work/001-sample");
        let now = Clock::System.now();
        let mut stream = Stream::new("001-sample".parse().expect("an id"), "Sample".to_owned(), now);
        assert_eq!(stream.state, StreamState::Open);
        for number in 1..=50 {
            let id = format!("01.01.{number:02}");
            let task = Task::new(format!("{id}.01").parse().expect("an id"), "Step".to_owned(), now);
            let mut thread = Thread::new(id.parse().expect("an id"));
            thread.tasks.push(Task { status: TaskStatus::Completed, ..task });
            stream.threads.push(thread);
        }
        Store::open(&dir, Clock::System).create(&stream).expect("created");
        (folder, dir, stream.threads.iter().map(|thread| thread.id).collect())
    }

    /// However many threads end, and however often their batch was over: one message a moment, the next one
    /// at a distance, and that the batch is over once.
    ///
    /// Mutants: no distance (four messages); no memory of the batches that are over (five batches).
    #[tokio::test]
    async fn a_storm_is_two_messages() {
        let (folder, stream_dir, threads) = finished();
        let script = "cat >> told; echo >> told".to_owned();
        let how = Notify {
            tmux: false,
            command: vec!["sh".to_owned(), "-c".to_owned(), script],
            ..Notify::default()
        };
        let to = Notifying { how, tmux: Vec::new() };
        let (news, incoming) = unbounded_channel();
        let teller =
            Teller { root: folder.path().into(), tmux: None, clock: Clock::System, over: HashMap::new() };
        let teller = tokio::spawn(teller.tell_all(incoming));
        let begun = Instant::now();
        for (number, thread) in (0..).zip(threads) {
            // The first five are told at once; the others come one by one while nothing may be told.
            let at = begun + Duration::from_millis(if number < 5 { 0 } else { 600 + 20 * number });
            tokio::time::sleep_until(at).await;
            let one = News { stream_dir: stream_dir.clone(), thread, what: What::Ended, to: to.clone() };
            assert!(news.send(one).is_ok(), "it listens");
        }
        drop(news);
        teller.await.expect("no panic");
        let told = std::fs::read_to_string(folder.path().join("told")).expect("told");
        let messages: Vec<serde_json::Value> =
            told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(messages.len(), 2, "{told}");
        assert_eq!(messages[0]["text"], "5 done, a batch is over");
        assert_eq!(messages[1]["text"], "45 done");
    }
}
