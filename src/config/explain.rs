//! What each code of a file of settings means, for `work validate --explain`.

const EXPLANATIONS: &[(&str, &str)] = &[
    (
        "A001",
        "The file is not YAML, so nothing of it can be used. The place is where the parser gave up; the \
         cause may stand in the line above it. Common causes are tabs, a colon within a text that is \
         not quoted, and brackets or quotes that are not closed.",
    ),
    (
        "A002",
        "An agent knows the keys `name`, `description`, `best_for`, `backend`, `models`, `command`, \
         `env`, `opencode_agent`, `permissions`, `launcher`, `server`, `server_password_env` and `directory`. Any other key is not used; it may be a slip.",
    ),
    ("A003", "YAML allows a key only once. The first one is used; remove the other."),
    (
        "A004",
        "The value is of another kind than this key takes: a list where a text belongs, for example. \
         The file is `agents:` with a list of agents, each with keys and values.",
    ),
    (
        "A005",
        "A plan names an agent by its name, so each name may be used only once. Give one of the two \
         another name.",
    ),
    ("A006", "Without agents nothing can run. List at least one below `agents:`."),
    (
        "A007",
        "Each agent has a name: a text on one line, without backticks and without blanks around it, so \
         that it can stand behind `**Agent:**` in a plan.",
    ),
    (
        "A008",
        "The backend says how `work` talks to an agent: `opencode` through a shared server, which is \
         the default, or `acp` through the Agent Client Protocol.",
    ),
    (
        "A009",
        "An agent needs at least one model. Several are tried in their order when one has no quota \
         left.",
    ),
    (
        "A010",
        "A model is written as its agent knows it: `provider/model`, `provider/model#variant`, or `{ \
         model: provider/model, variant: high }`. `opencode models` lists them.",
    ),
    (
        "A011",
        "An agent with backend `acp` is a program that `work` starts. `command` names it with its \
         arguments, as a list, for example `[qwen, --acp]`.",
    ),
    (
        "A012",
        "`command` starts a program that speaks the Agent Client Protocol. With backend `opencode` \
         there is a shared server instead, and the command is not used.",
    ),
    ("A013", "The names of environment variables are not empty and hold no `=`."),
    (
        "A014",
        "`permissions` says what happens when the agent asks for a permission, or asks a question: `allow` \
         gives it that one time, `deny` refuses it with a reason, `ask` waits for `work answer`.",
    ),
    (
        "A015",
        "A launcher is what starts an agent's program somewhere else: a program with its arguments, as a list, for \
         example `[ssh, build1]`. `{ command: [...], shell: true }` says that the far side joins the words that \
         follow and lets a shell read them again, so that they have to be quoted; for `ssh` that is known.",
    ),
    (
        "A016",
        "A `launcher` starts a program that talks over its standard streams, which needs backend `acp`. \
         opencode's own server is shared by all threads and is reached by its address: start it over there \
         yourself and name it with `server`, or run `opencode acp` behind the launcher. An agent has one of both.",
    ),
    (
        "A017",
        "`server` is the address of an opencode server that runs already: `http://HOST:PORT` or \
         `https://HOST:PORT`. No user and no password belong into it: the file is committed.",
    ),
    (
        "A018",
        "`server_password_env` is the name of an environment variable, and not the password. `work` reads the \
         variable where the supervisor was started, and keeps its value out of files, logs and command lines.",
    ),
    ("A019", "This key says nothing here, since what it belongs to is not there. Remove it."),
    (
        "A020",
        "The variables of an agent behind a launcher are set over there by a shell, one a line: names are made of \
         letters, digits and `_`, and values have no line breaks.",
    ),
    (
        "A021",
        "`directory` is the folder over there that holds this repository, as an absolute path. Without it the \
         path is the same as here.",
    ),
    (
        "C001",
        "The file is not YAML, so the defaults are used for everything. The place is where the parser \
         gave up; the cause may stand in the line above it.",
    ),
    (
        "C002",
        "The configuration knows `supervisor.idleTimeout`, `stallTimeout`, `turnTimeout`, \
         `waitForLimit`, `window`, `permissions`, `askTimeout`, `notify`, `jobs.maxParallel`, `pool.idleTimeout`, \
         `pool.maxLive`, `isolation`, `worktree.copy`, `worktree.setup`, `verify.timeout` and `budget`. Any other key is not used; it may \
         be a slip.",
    ),
    ("C003", "YAML allows a key only once. The first one is used; remove the other."),
    ("C004", "The value is of another kind than this key takes: a list where a text belongs, for example."),
    (
        "C005",
        "A length of time is a number with a unit: `500ms`, `90s`, `30m`, `2h`, `1d`, or several of \
         them, such as `1h30m`. It is more than nothing (only `waitForLimit: 0s` is off); to set no \
         limit, leave the key out.",
    ),
    (
        "C006",
        "`window` says what the windows of `work multi` show: `tui`, the agent's own terminal UI, or \
         `stream`, the plain text of its turn, which needs far less memory.",
    ),
    (
        "C007",
        "`permissions` says what happens when an agent asks for a permission, or asks a question, unless its \
         own entry or the command line says so: `allow` gives it that one time, `deny` refuses it with a \
         reason, `ask` waits for `work answer` until `askTimeout` is over.",
    ),
    (
        "C008",
        "A number is written in digits alone. `jobs.maxParallel` says how many background jobs of the repository \
         run at once, from 1 to 64; more are queued, and begin as others end. `pool.maxLive` says how many ACP \
         agents are kept between their turns; 0 keeps none of them.",
    ),
    (
        "C010",
        "`notify.on` lists what a person is told of: `done` and `failed` threads, `waiting` agents, the end \
         of a `batch`, and a `budget` that is nearly or quite used up. `on: []` switches it all off.",
    ),
    (
        "C011",
        "`isolation` says where threads work: `none`, all in the main checkout, or `worktree`, each in a git \
         worktree of its own, whose change is brought over by `work changes apply`.",
    ),
    (
        "C012",
        "`budget` limits what each thread (`budget.thread`) and each stream (`budget.stream`) uses: `cost` in US \
         dollars, such as `2.50`, and `tokens` of every kind, such as `500000` or `500k`. From `budget.warn` of it \
         on (80%) a person is warned; when it is used up, no further turn is started unless `--over-budget` says \
         so. A turn that runs goes on to its end. Without the key there is no limit.",
    ),
];

/// The codes of all findings about files of settings.
pub fn codes() -> impl Iterator<Item = &'static str> {
    EXPLANATIONS.iter().map(|(code, _)| *code)
}

/// What a code means, and what to do about a finding.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    EXPLANATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, text)| *text)
}
