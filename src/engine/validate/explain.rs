//! What the codes of this room mean; those of the plan are the plan's.

use crate::plan;

/// The meaning of a code.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    let own = match code {
        "P000" => {
            "PLAN.md is missing, can't be read, or is no UTF-8 text. Every stream has one in its folder `work/NNN-name/`."
        }
        "A000" => "`work/agents.yaml` is missing or can't be read. `work init` makes one.",
        "C000" => "`work/config.yaml` can't be read. The file is optional; delete it or repair it.",
        "J001" => {
            "`.git/work/jobs.json`, the queue of background jobs, can't be read. It is never replaced by an empty one; commands that need it stop. `work validate --restore` brings back the newest good copy, in which no job starts by itself. Records and journals of turns are elsewhere and are not touched."
        }
        "S001" => {
            "A thread says something else than when the plan was approved, or is new, renamed or gone. It is not run until the plan is approved again, or `--allow-drift` is given."
        }
        "S002" => {
            "A thread is assigned to an agent that `work/agents.yaml` does not have, so it can't be run."
        }
        "S003" => {
            "A thread has more than one attempt without an end. At most one can run at a time; the older ones are written as interrupted at the next run."
        }
        "S004" => {
            "An attempt has no end, and the process that ran it is gone: killed, crashed, or of an earlier boot. It counts as interrupted: every reader shows it so, and the next run writes it so. Nothing needs to be done."
        }
        "T101" => {
            "A state file of the older tool holds something odd: an id or a word that does not fit, or a name that differs. It was read as far as it makes sense, and what did not is kept beside it in the file."
        }
        "T102" => {
            "The folder of a stream was renamed, or its state copied. A stream goes by the name of its folder."
        }
        "S005" => {
            "The plan no longer has this thread, but something was recorded of it: sessions, reports, or finished tasks. It is kept, and is not run."
        }
        "S006" => {
            "The session of this attempt can't be continued: the older tool made its id up, or the agent never opened one. The record is kept for what it tells. Work on the thread goes on in a new session, which is told what was reported so far."
        }
        "S007" => {
            "Every thread is as it was approved, and runs; but the words around them are not: the plan's summary, a stage's definition, constitution or questions, a batch's summary, or a name. Agents are told them. `work review` shows the lines."
        }
        "S008" => {
            "The last session of an open thread could be continued, but the folder that its agent worked in is gone: another machine, a removed worktree, a renamed checkout. An agent finds a session by its folder."
        }
        "S009" => {
            "The record names turns whose journals are not in the private folder of this machine: they ran on another one, or were removed. Only `work logs` misses them."
        }
        "S010" => {
            "There are journals of turns that no record names: the state was brought back from an earlier copy or by git, the thread is gone, or the record of a turn could not be written yet, which the next run of the stream makes good. Nothing of them is lost; `work logs` shows them as long as the thread is there."
        }
        "S011" => {
            "Two attempts of a thread have the same number, which only happens when the file was merged or edited by hand. An end would be written to the first of them. Give one of them another number in tasks.json."
        }
        "S012" => {
            "`currentSessionId` names a session that no open attempt has. It follows from the records and is written anew at the next change; whoever reads the file before that is misled."
        }
        "S013" => {
            "Attempts were made by an agent that `work/agents.yaml` does not have any more. That matters only for threads that are not done: they can't be continued with it."
        }
        "S014" => "An attempt ended before it began: a clock was changed, or the file was edited by hand.",
        "S015" => {
            "An attempt says that it continues another one, and there is no earlier one of that number."
        }
        "S016" => {
            "A thread of the plan names an agent that `work/agents.yaml` does not have. It can be approved, since the agent may be added later, and does not run before."
        }
        "T103" => {
            "A task stands in the list of a thread that its id does not belong to, so that no report can reach it. Move it, or correct its id, in tasks.json."
        }
        "T104" => {
            "Tasks or threads of the older tool had no id that makes sense. They are kept in `unplacedTasks` and `unplacedThreads` of tasks.json, and belong to no thread."
        }
        "T105" => {
            "Two threads or tasks have the same id, which only happens when the file was merged or edited by hand. Only the first one is ever found. Bring them together in tasks.json."
        }
        "T106" => {
            "The plan is not approved, and the state has a thread that the plan does not have, or has under another name. It is kept with its history; approving the plan settles it."
        }
        _ => {
            let import = || crate::engine::import::explain(code);
            return plan::explain(code).or_else(|| crate::config::explain(code)).or_else(import);
        }
    };
    Some(own)
}
