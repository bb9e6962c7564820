//! A process that changes a store and says so: the tests run many of it, and kill it.
//!
//!     store-writer create DIR THREADS TASKS      a stream with counters at 0
//!     store-writer count DIR THREAD TIMES        counts up in a thread; `ok` after each success
//!     store-writer raw FILE SIZE                 one durable replacement, without store and lock
//!     store-writer jobs PRIVATE TIMES            queues a job; `ok` after each
//!     store-writer turn PRIVATE TIMES            a turn with a journal; `ok` after each line
//!
//! `UMASK=077` sets the umask first. The counter of a thread is the breadcrumb of its first task.
#![expect(clippy::print_stdout, reason = "what is acknowledged stands on standard output")]

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use work::model::{
    AgentEvent, AgentName, Extra, Job, JobState, Order, SessionId, Stream, Task, TaskStatus, Thread,
    TurnOutcome, set_task,
};
use work::store::journal::{Header, Journals};
use work::store::{JobStore, Private, Store};
use work::sys::atomic::write_atomic;
use work::sys::clock::Clock;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<(), Failure> {
    work::sys::process::ignore_file_size_signal()?;
    if let Some(umask) = work::sys::env::raw("UMASK") {
        let bits = u32::from_str_radix(&umask.to_string_lossy(), 8)?;
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(bits));
    }
    match args {
        ["create", dir, threads, tasks] => create(dir, threads.parse()?, tasks.parse()?),
        ["count", dir, thread, times] => count(dir, thread.parse()?, times.parse()?),
        ["raw", file, size] => Ok(write_atomic(Path::new(file), &vec![b'x'; size.parse()?])?),
        ["jobs", private, times] => jobs(private, times.parse()?),
        ["turn", private, times] => turn(private, times.parse()?),
        _ => Err(format!("not understood: {args:?}").into()),
    }
}

fn store(dir: &str) -> Store {
    let dir = Path::new(dir);
    Store::open(dir, Clock::System).with_copies(&dir.with_file_name("private"))
}

fn create(dir: &str, threads: u8, tasks: u8) -> Result<(), Failure> {
    let now = Clock::System.now();
    let name = Path::new(dir).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut stream = Stream::new(name.parse()?, "Counters".to_owned(), now);
    for thread in 1..=threads {
        let id: work::model::ThreadId = format!("01.01.{thread:02}").parse()?;
        let tasks = (1..=tasks).map(|task| {
            let id = format!("{id}.{task:02}").parse()?;
            let name = format!("Count to {task} and further");
            Ok(Task { breadcrumb: Some("0".to_owned()), ..Task::new(id, name, now) })
        });
        stream.threads.push(Thread {
            stage_name: "Stage".to_owned(),
            batch_name: "Batch".to_owned(),
            name: format!("Thread {thread}"),
            tasks: tasks.collect::<Result<_, Failure>>()?,
            ..Thread::new(id)
        });
    }
    Ok(store(dir).create(&stream)?)
}

fn count(dir: &str, thread: usize, times: u32) -> Result<(), Failure> {
    let store = store(dir);
    for _ in 0..times {
        store.transact(|stream| {
            let task = &mut stream.threads[thread].tasks[0];
            let counted: u32 = task.breadcrumb.as_deref().unwrap_or("0").parse().unwrap_or_default();
            task.breadcrumb = Some((counted + 1).to_string());
            set_task(task, TaskStatus::InProgress, Clock::System.now())
        })?;
        acknowledge()?;
    }
    Ok(())
}

fn jobs(private: &str, times: u32) -> Result<(), Failure> {
    let store = JobStore::new(Path::new(private));
    for _ in 0..times {
        store.transact(|jobs| {
            let id = jobs.take_number();
            jobs.jobs.push(Job {
                id,
                stream: "001-jobs".parse()?,
                thread: "01.01.01".parse()?,
                name: "A thread".to_owned(),
                order: Order::default(),
                queued_at: Clock::System.now(),
                group: id,
                max_parallel: None,
                retry_of: None,
                state: JobState::Pending { by: None },
                extra: Extra::new(),
            });
            Ok::<_, work::model::IdError>(())
        })?;
        acknowledge()?;
    }
    Ok(())
}

fn turn(private: &str, times: u32) -> Result<(), Failure> {
    let private = Private::open(private)?;
    let header = Header {
        stream: "001-turns".parse()?,
        thread: "01.01.01".parse()?,
        turn: 0,
        attempt: 1,
        session: Some(SessionId("ses_1".to_owned())),
        agent: AgentName("default".to_owned()),
        model: "provider/model".to_owned(),
        directory: "/somewhere".into(),
        prompt: "Do it".to_owned(),
        client: None,
        used_before: None,
        kept: None,
    };
    private.set_current(Some(&header.stream))?;
    let mut journal = Journals::new(private.root()).begin(header)?;
    for number in 0..times {
        journal.append(AgentEvent::Text { delta: format!("word {number} ") })?;
        acknowledge()?;
    }
    journal.append(AgentEvent::TurnEnded(TurnOutcome::Completed))?;
    Ok(())
}

fn acknowledge() -> std::io::Result<()> {
    println!("ok");
    std::io::stdout().flush()
}
