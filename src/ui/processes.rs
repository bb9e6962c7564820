//! The table of agents' processes.

use super::grid::{Column, Grid, Text};
use super::{Screen, Style, time};
use crate::model::{AgentProcess, AgentState, KeptFor};

/// Every process with for whom it is kept, how it stands, how old it is and what it costs.
#[must_use]
pub fn processes_table(screen: &Screen, agents: &[AgentProcess]) -> String {
    let several = agents.iter().filter_map(|one| one.kept_for.as_ref().map(|kept| &kept.stream));
    let streams: std::collections::BTreeSet<_> = several.collect();
    let mut grid = Grid::new([
        Column::cut("Process", 12),
        Column::whole(if streams.len() > 1 { "Stream" } else { "" }),
        Column::whole("Thread"),
        Column::whole("Agent"),
        Column::whole("State"),
        Column::whole("Age"),
        Column::whole("Memory"),
        Column::whole("Pid"),
    ]);
    for AgentProcess { what, kept_for, state, pid, started_at, memory, .. } in agents {
        let (stream, thread, agent) = match kept_for {
            Some(KeptFor { stream, thread, agent }) => {
                (stream.to_string(), thread.to_string(), agent.to_string())
            }
            None => (String::new(), "all".to_owned(), String::new()),
        };
        grid.row([
            what.into(),
            if streams.len() > 1 { stream } else { String::new() }.into(),
            thread.into(),
            agent.into(),
            standing(screen, *state),
            started_at.map(|at| time::span(screen.now - at)).unwrap_or_default().into(),
            memory.map(size).unwrap_or_default().into(),
            pid.map(|pid| pid.to_string()).unwrap_or_default().into(),
        ]);
    }
    grid.draw(screen)
}

fn standing(screen: &Screen, state: AgentState) -> Text {
    let style = match state {
        AgentState::Starting | AgentState::Busy => Style::Active,
        AgentState::Waiting => Style::Attention,
        AgentState::Idle { .. } | AgentState::Ending => Style::Faint,
    };
    match state {
        AgentState::Idle { idle_since } => {
            Text::styled(&format!("idle for {}", time::span(screen.now - idle_since)), style)
        }
        state => Text::styled(state.name(), style),
    }
}

/// Bytes as people say them; a process has some megabytes at least.
fn size(bytes: u64) -> String {
    let megabytes = bytes.div_ceil(1 << 20);
    if megabytes < 10_000 { format!("{megabytes} MB") } else { format!("{} GB", megabytes / 1024) }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::model::BackendKind;
    use crate::ui::ColorChoice;

    #[test]
    fn each_process_is_a_line_and_the_stream_is_named_only_where_there_are_several() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(2);
        let screen = Screen::new(ColorChoice::Never, true, true, false, now);
        let process = |what: &str, kept_for: Option<&str>, state| AgentProcess {
            what: what.to_owned(),
            backend: BackendKind::Acp,
            kept_for: kept_for.map(|stream| KeptFor {
                stream: stream.parse().expect("a stream"),
                thread: "01.01.02".parse().expect("a thread"),
                agent: crate::model::AgentName("qwen".to_owned()),
            }),
            state,
            pid: Some(4711),
            started_at: Some(now - TimeDelta::minutes(5)),
            memory: Some(230 << 20),
            url: None,
        };
        let idle = AgentState::Idle { idle_since: now - TimeDelta::seconds(70) };
        let all = [
            process("opencode serve", None, AgentState::Busy),
            process("qwen --acp", Some("001-a"), idle),
            process("qwen --acp", Some("002-b"), AgentState::Waiting),
        ];
        let one = processes_table(&screen, &all[..2]);
        assert_eq!(
            one.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>(),
            [
                "Process Thread Agent State Age Memory Pid",
                "opencode serve all busy 5m 230 MB 4711",
                "qwen --acp 01.01.02 qwen idle for 1m 5m 230 MB 4711",
            ]
        );
        let two = processes_table(&screen, &all);
        assert!(two.contains("002-b") && two.contains("waiting"), "{two}");
        assert_eq!((size(1), size(1 << 40)), ("1 MB".to_owned(), "1024 GB".to_owned()));
    }
}
