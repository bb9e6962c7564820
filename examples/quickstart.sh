#!/usr/bin/env bash
# Shows `work` at work: three agents in three tmux windows carry out the first batch of a small plan.
#
#   examples/quickstart.sh               run it; the windows stay open, to be looked at
#   examples/quickstart.sh --stop DIR    end all that a run left in its folder, and remove the folder
#   examples/quickstart.sh --clean       run it to the plan's end, check it, leave nothing behind
#
# Needs Rust, npm and git; installs tmux (apt-get) and the pinned opencode (npm, into tests/agents).
# The agents are the real opencode. The model is a scripted one on this machine: no key, no network, no cost.
# Everything else lies in one new folder in /tmp: your own opencode, its sessions and keys are not touched.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/needs.sh
source "$here/../tests/needs.sh"

target=${CARGO_TARGET_DIR:-$checkout/target}
[[ $target == /* ]] || target=$PWD/$target

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' green='' red='' plain=''
fi

step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$1" "$plain"; }
good() { printf '  %sok%s  %s\n' "$green" "$plain" "$1"; }
die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
    exit 1
}

# The command line that a person copies.
quoted() { printf "%q" "$1"; }

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

# ---- The folder of a run -----------------------------------------------------------------------------
#
# home/      HOME and all XDG folders          run/       sockets of the supervisor and of tmux
# project/   the scratch repository            work       a program: `work` in that repository
# model.pid  the model server; it ends by itself when this file goes, and after two hours

# Makes the folder. In /tmp, whatever TMPDIR says, since paths of sockets must be short.
make_scratch() {
    scratch=$(cd -- "$(mktemp -d /tmp/work-quickstart.XXXXXX)" && pwd -P)
    trap 'ended_early $?' EXIT
    mkdir -m 700 "$scratch/home" "$scratch/run" "$scratch/project"
    echo '{}' >"$scratch/models.json"
    # Starts with an empty environment, so that no key and no setting of yours reaches the agents.
    cat >"$scratch/work" <<END
#!/usr/bin/env bash
cd $(quoted "$scratch/project")
exec env -i \\
    HOME=$(quoted "$scratch/home") XDG_RUNTIME_DIR=$(quoted "$scratch/run") \\
    PATH=$(quoted "$target/debug:$PATH") \\
    TERM="\${TERM:-dumb}" LANG="\${LANG:-C.UTF-8}" USER="\${USER:-you}" \${NO_COLOR:+NO_COLOR=1} \\
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \\
    WORK_OPENCODE=$(quoted "$(opencode_program)") \\
    OPENCODE_CONFIG=$(quoted "$scratch/opencode.json") OPENCODE_MODELS_PATH=$(quoted "$scratch/models.json") \\
    OPENCODE_DISABLE_MODELS_FETCH=1 OPENCODE_DISABLE_AUTOUPDATE=1 npm_config_offline=true \\
    $(quoted "$target/debug/work") "\$@"
END
    chmod +x "$scratch/work"
}

# Runs `work` in the scratch repository, and shows the command line.
work() {
    printf '\n%s$ work %s%s\n' "$bold" "$*" "$plain"
    "$scratch/work" "$@"
}

# The socket of the run's own tmux server, once there is one.
tmux_socket() {
    local socket
    for socket in "$scratch"/run/work/*.tmux; do
        [[ ! -S $socket ]] || printf '%s\n' "$socket"
    done
}

# is_model PID: whether this process is the model server of this run, and no other with its number.
is_model() { ps -ww -o args= -p "$1" 2>/dev/null | grep -qF -- "$scratch/model.pid"; }

# Ends what a run started: windows, supervisor with its agents, model server. Returns when they are gone.
stop_all() {
    local socket model=''
    while read -r socket; do
        tmux -S "$socket" kill-server 2>/dev/null </dev/null || true
    done < <(tmux_socket)
    [[ ! -x $scratch/work ]] || "$scratch/work" supervisor stop >/dev/null 2>&1 || true
    [[ ! -s $scratch/model.pid ]] || model=$(<"$scratch/model.pid")
    rm -f -- "$scratch/model.pid"
    if [[ -n $model ]]; then
        ! is_model "$model" || kill "$model" 2>/dev/null || true
        for _ in {1..50}; do
            is_model "$model" || break
            sleep 0.1
        done
    fi
}

remove_scratch() { rm -rf -- "$scratch"; }

# What ends the script before its time leaves no process behind; files stay where they may explain something.
ended_early() {
    trap - EXIT INT TERM HUP
    stop_all
    if (($1 == 130 || $1 == 143)); then
        remove_scratch
        printf '\ninterrupted; everything was ended and removed\n' >&2
    else
        printf '%sthis did not go as it should%s; all processes were ended, the files are in %s\n' \
            "$red" "$plain" "$(quoted "$scratch")" >&2
    fi
    exit "$1"
}

# ---- Steps -------------------------------------------------------------------------------------------

install() {
    step "1. What is needed"
    need_all git rust tmux opencode || exit 6
    good "git $(version_of git --version), Rust $(version_of rustc --version), $(tmux -V)"
    good "opencode $(opencode_pinned), in tests/agents/node_modules"
}

build() {
    step "2. Build work and the model server"
    cargo build --quiet --manifest-path "$checkout/Cargo.toml" --target-dir "$target" \
        --bin work --example scripted-model
    good "$target/debug/work"
}

start_model() {
    step "3. A scratch repository, and a model that follows a script"
    make_scratch
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    echo starting >"$scratch/model.pid"
    (
        trap '' HUP
        exec "$target/debug/examples/scripted-model" --config-out "$scratch/opencode.json" \
            --while-exists "$scratch/model.pid" --at-most 2h </dev/null >"$scratch/model.log" 2>&1
    ) &
    echo $! >"$scratch/model.pid"
    for _ in {1..100}; do
        grep -q listening "$scratch/model.log" && break
        sleep 0.05
    done
    grep -q listening "$scratch/model.log" || die "the model server did not start: $(cat "$scratch/model.log")"
    GIT_CONFIG_GLOBAL=/dev/null git -c init.defaultBranch=main -C "$scratch/project" init --quiet
    good "$scratch/project"
    good "$(<"$scratch/model.log")"
}

plan() {
    step "4. The plan"
    work init
    note "  (the agents of the example take the place of the default one)"
    cp "$here/hello/agents.yaml" "$scratch/project/work/agents.yaml"
    work create Hello --from "$here/hello/PLAN.md"
    work validate
    work preview
    work approve plan --yes
}

# The writer's model refuses its key, so the batch is expected to end with 1.
run_batch() {
    step "5. Three threads side by side, each with an opencode in a tmux window of its own"
    note "  (the thread Manual is meant to fail: its agent has a model that refuses the key)"
    local code=0
    work multi --batch 01.01 --wait || code=$?
    ((code == 1)) || die "\`work multi\` ended with $code; 1 was expected, since one thread fails"
}

look() {
    step "6. How it stands"
    work status
    work status --sessions
    note "(tokens and dollars are those that the scripted model invents)"
}

# check WHAT COMMAND...: says that it is so, or ends the script.
check() {
    local what=$1
    shift
    "$@" || die "not as expected: $what"
    good "$what"
}

file_is() { [[ $(<"$scratch/project/$1") == "$2" ]]; }

# The only line of JSON that `work status --json` prints has this in it.
status_has() { "$scratch/work" status --json | grep -qE -- "$1"; }

check_batch() {
    step "7. Is it true?"
    check "greet.sh was written by the agent's tool, and runs" \
        test "$(cd "$scratch/project" && sh greet.sh you)" = 'Hello, you!'
    check "names.txt has three names" file_is names.txt $'Ada\nGrace\nMargaret'
    check "MANUAL.md was not written" test ! -e "$scratch/project/MANUAL.md"
    check "three tasks were reported done from inside the sessions" \
        status_has '"tasks":\{"completed":3,"total":5'
    check "two threads are completed, and one failed" \
        status_has '"counts":\{"completed":2,"failed":1,"pending":1\}'
    check "the failure is recorded with its kind" status_has '"kind":"auth"'
    check "the sessions have opencode's own ids" status_has '"sessionId":"ses_[A-Za-z0-9]+"'
}

# What the last lines of a run suggest.
rest_of_the_plan() {
    step "8. The rest of the plan: another agent for the failed thread, then the next batch"
    work execute --thread 01.01.03 --agent default --mode plain
    work multi --wait
    work status
    check "every task is done" status_has '"tasks":\{"completed":5,"total":5'
    check "the manual was written" test -s "$scratch/project/MANUAL.md"
    check "everybody was greeted" file_is greetings.txt $'Hello, Ada!\nHello, Grace!\nHello, Margaret!'
    check "the retry is a second attempt of its thread" status_has '"attempt":2'
}

# Processes that have the folder in their environment; only Linux tells.
left_over() {
    local file
    for file in /proc/[0-9]*/environ; do
        grep -qsF -- "$scratch/" "$file" || continue
        file=${file%/environ}
        printf '%s ' "${file##*/}"
    done
}

clean() {
    step "9. Leave nothing behind"
    stop_all
    local left=''
    for _ in {1..50}; do
        left=$(left_over)
        [[ -n $left ]] || break
        sleep 0.1
    done
    [[ -z $left ]] || die "still running: $left"
    trap - EXIT
    remove_scratch
    good "no process and no file is left"
}

what_next() {
    local run
    run=$(quoted "$scratch/work")
    trap - EXIT
    cat <<END

${bold}Look${plain}
  ${TMUX:+env -u TMUX }tmux -u -S $(quoted "$(tmux_socket)") attach
      The windows of the threads, with opencode in them. Next window: Ctrl-B n. Leave: Ctrl-B d.
  $run logs 01.01.01
      What the agent of a thread said and did.

${bold}Go on${plain}
  $run execute --thread 01.01.03 --agent default
      Give the failed thread to another agent: a second attempt, with its own record.
      opencode opens here; Ctrl-C leaves it when it is done.
  $run multi --wait
      Run the next batch.

${bold}Stop${plain}
  $(quoted "$here/quickstart.sh") --stop $(quoted "$scratch")
      Ends the windows, the supervisor, opencode and the model server, and removes the folder.
      By themselves: the supervisor ends after 30 idle minutes, the model server after two hours.
END
}

stop() {
    scratch=$(cd -- "${1:?}" 2>/dev/null && pwd -P) || die "there is no folder $(quoted "$1")"
    [[ ${scratch##*/} == work-quickstart.?????? && -O $scratch && -x $scratch/work && -d $scratch/project ]] ||
        die "$(quoted "$1") is no folder of a quickstart of yours"
    stop_all
    local left
    left=$(left_over)
    [[ -z $left ]] || die "still running: $left; $scratch is left as it is"
    remove_scratch
    echo "everything was ended, and $scratch was removed"
}

# Up to what a person wants to see.
first_batch() {
    install
    build
    start_model
    plan
    run_batch
    look
    check_batch
}

# Not `first_batch && what_next`: within such a list no failure would end the script.
case ${1:-} in
    '')
        first_batch
        what_next
        ;;
    --clean)
        first_batch
        rest_of_the_plan
        clean
        ;;
    --stop)
        [[ -n ${2:-} ]] || die "name the folder: examples/quickstart.sh --stop DIR"
        stop "$2"
        ;;
    -h | --help)
        usage
        ;;
    *)
        usage >&2
        exit 2
        ;;
esac
