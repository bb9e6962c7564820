#!/usr/bin/env bash
# Runs everything that says whether the project is in order: format, lints, documentation, tests.
#
#   tests/run.sh
#
# Needs Rust, git and npm; installs tmux, sshd and Chromium (apt-get) and the pinned agents (npm, into tests/agents).
# The tests come last, so that the last lines are their result.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/needs.sh
source "$here/needs.sh"
cd -- "$checkout"

step() { printf '\n== %s\n' "$*"; }

step "What is needed"
if [[ -n ${CI:-} ]]; then
    # Nobody is there to ask. Without strace one test is skipped.
    has npm || need_package npm || exit 6
    is_mac || has strace || need_package strace || true
fi
need_all git rust tmux ssh chromium opencode qwen || exit 6
cargo --version
tmux -V
echo "opencode $(opencode_installed)"

step "Format"
cargo fmt --check

step "Lints"
cargo clippy --quiet --all-targets -- -D warnings

step "Documentation"
RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps

# The tests start these programs, and `cargo test` does not build all of them.
step "Build"
cargo build --quiet --bins --examples

step "Tests"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --no-fail-fast
else
    cargo test --no-fail-fast --lib --test all
fi
