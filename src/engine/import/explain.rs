//! What the codes of an import mean.

/// The meaning of a code, if it is one of these.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    Some(match code {
        "I001" => {
            "`index.json` of the older tool and the folders beside it don't agree, or it can't be read. Streams are taken from their folders; the index adds approvals, names and the current stream."
        }
        "I002" => {
            "A file of the old stream is missing, can't be read as text, or is no file at all. The stream is imported without what it would say; what is there is copied as it is."
        }
        "I003" => {
            "The older tool kept the SHA-256 of the plan that was approved, and PLAN.md is another one now. The stream stays approved, since somebody did approve it; but only ids and names of threads can be compared. `work approve plan` makes the approval exact."
        }
        "I004" => {
            "The plan has a thread for which the state has no tasks. Where the old approval covers the plan, the thread is imported without tasks; else it shows up as not approved."
        }
        "I005" => {
            "Plan and state give one thread two names. The state's name is kept, the history stays with the id, and the thread counts as renamed until the plan is approved again."
        }
        "I006" => {
            "Threads that are not done are assigned to an agent that `work/agents.yaml` does not have here. Agents are not imported: the old agents.yaml may be copied by hand."
        }
        "I007" => {
            "The older tool left this attempt as running, and no process of it can be told. It is recorded as interrupted; when it ended is not known."
        }
        "I008" => {
            "The state has a thread that the plan does not have. It is kept with its tasks, reports and sessions, and is not run."
        }
        "I009" => {
            "The files hold more than would be kept, which is a defect of `work`: an import never loses anything. The old files are untouched."
        }
        "T111" => {
            "A line of TASKS.md makes no sense as a heading, task or report, or repeats another one. The file itself comes along unchanged."
        }
        "T112" => {
            "TASKS.md says something that tasks.json does not, or says it differently. What only TASKS.md has is taken from it; where both speak, tasks.json counts."
        }
        "T113" => "TASKS.md and tasks.json give one task or thread two names. The one of tasks.json counts.",
        _ => return None,
    })
}
