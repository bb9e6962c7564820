# What the quickstart and the tests need, and how to get it. Sourced by bash; says what it does on
# standard error. Every `need_…` returns at once when the thing is there, installs it when that
# can be done without asking, and else fails with the command that installs it.

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
agents_dir=$checkout/tests/agents

say() { printf '%s\n' "$*" >&2; }

# missing WHAT HOW...: what is missing, and how to get it.
missing() {
    say "error: $1"
    shift
    local line
    for line; do say "hint: $line"; done
    return 1
}

has() { command -v "$1" >/dev/null 2>&1; }

is_mac() { [[ $(uname -s) == Darwin ]]; }

# how MAC ELSEWHERE: the command that installs something.
how() {
    if is_mac; then echo "\`$1\`"; else echo "\`$2\`"; fi
}

# is_older HAVE WANTED: compares versions of two numbers, such as 3.3a and 3.2.
is_older() {
    local have=${1//[^0-9.]/} wanted=$2 major minor
    major=${have%%.*} minor=${have#*.} minor=${minor%%.*}
    ((10#${major:-0} < 10#${wanted%%.*})) && return 0
    ((10#${major:-0} == 10#${wanted%%.*} && 10#${minor:-0} < 10#${wanted#*.}))
}

# The first version in what a program says of itself.
version_of() { "$@" 2>/dev/null | sed -n 's/[^0-9]*\([0-9][0-9a-z.]*\).*/\1/p;q'; }

need_rust() {
    if ! has cargo; then
        missing "Rust is not installed: there is no \`cargo\`" \
            "install it from https://rustup.rs, then open a new terminal"
        return 1
    fi
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$checkout/Cargo.toml")
    found=$(version_of rustc --version)
    if is_older "$found" "$wanted"; then
        missing "Rust is $found; $wanted or newer is needed" \
            "\`rustup update stable\`; where Rust came from apt, install it from https://rustup.rs"
        return 1
    fi
    has cc || missing "there is no C compiler, which Rust links with" \
        "$(how "xcode-select --install" "apt-get install build-essential")"
}

need_git() {
    has git || missing "git is not installed" "$(how "xcode-select --install" "apt-get install git")"
}

# need_package PROGRAM [PACKAGE]: by apt-get, as root or with sudo.
need_package() {
    has "$1" && return 0
    local package=${2:-$1}
    local -a root=()
    if is_mac; then
        missing "$1 is not installed" "\`brew install $package\`"
        return 1
    elif ! has apt-get; then
        missing "$1 is not installed" "install it with your system's package manager"
        return 1
    elif ((EUID != 0)); then
        # Without a terminal nobody could type a password.
        if has sudo && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            root=(sudo)
        else
            missing "$1 is not installed, and installing it takes root" "\`apt-get install $package\` as root"
            return 1
        fi
    fi
    say "installing $package (${root[*]:+${root[*]} }apt-get install $package)"
    local -a install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$package")
    # A fresh system has no lists of packages yet.
    if ! "${root[@]}" "${install[@]}" >/dev/null 2>&1; then
        "${root[@]}" apt-get update -qq >&2 && "${root[@]}" "${install[@]}" >&2
    fi
    hash -r
    has "$1" || missing "$1 could not be installed" "install it by hand: \`apt-get install $package\`"
}

need_tmux() {
    need_package tmux || return 1
    local found
    found=$(version_of tmux -V)
    if is_older "$found" 3.2; then
        missing "tmux is $found; 3.2 or newer is needed" "Debian 12 and Ubuntu 22.04 have it"
        return 1
    fi
}

# Another machine, for the tests: sshd on the loopback. macOS has both.
need_ssh() {
    is_mac && return 0
    [[ -x /usr/sbin/sshd ]] && has ssh && return 0
    PATH=$PATH:/usr/sbin need_package sshd openssh-server && has ssh && return 0
    missing "ssh is not installed, which the tests of launchers need" "\`apt-get install openssh-server openssh-client\`"
}

# The browser that the HTML report is tested in. Without one on macOS, those tests are not built.
need_chromium() {
    is_mac || has chromium-browser || has google-chrome || need_package chromium
}

# The pinned version, and the one that is installed in the checkout.
opencode_pinned() { sed -n 's/.*"opencode-ai": "\([0-9][^"]*\)".*/\1/p' "$agents_dir/package.json"; }
opencode_installed() {
    sed -n 's/^ *"version": "\([^"]*\)".*/\1/p' "$agents_dir/node_modules/opencode-ai/package.json" 2>/dev/null | head -n 1
}

# Prints the path of the pinned program. Where npm ran no install scripts, `.bin/opencode` is only a note
# that says so; the program then lies in the package of the platform.
opencode_program() {
    local arch=x64 os=linux path
    case $(uname -m) in arm64 | aarch64) arch=arm64 ;; esac
    is_mac && os=darwin
    for path in .bin/opencode "opencode-$os-$arch/bin/opencode"; do
        path=$agents_dir/node_modules/$path
        if [[ -x $path && $(wc -c <"$path") -gt 1000000 ]]; then
            printf '%s\n' "$path"
            return
        fi
    done
    return 1
}

# Into the checkout, not globally. Not by `npm ci`, which refuses a lock without the optional packages of other
# systems; what is installed is what the lock says all the same.
need_opencode() {
    local pinned
    pinned=$(opencode_pinned)
    [[ $(opencode_installed) == "$pinned" ]] && opencode_program >/dev/null && return 0
    if ! has npm; then
        missing "npm is not installed, which opencode comes with" \
            "$(how "brew install node" "apt-get install npm"), or Node.js from https://nodejs.org"
        return 1
    fi
    say "installing opencode $pinned into tests/agents/node_modules (npm, 180 MB)"
    if ! npm install --no-save --prefix "$agents_dir" --no-audit --no-fund --loglevel=error >&2; then
        missing "npm could not install opencode $pinned" "\`npm install --no-save --prefix tests/agents\` shows why"
        return 1
    fi
    opencode_program >/dev/null ||
        missing "npm installed opencode, but not its program for this machine" "\`rm -rf tests/agents/node_modules\`, and again"
}

# The other agents that the tests run; they come with the same command.
need_qwen() {
    local pinned installed
    pinned=$(sed -n 's/.*"@qwen-code\/qwen-code": "\([0-9][^"]*\)".*/\1/p' "$agents_dir/package.json")
    installed=$(sed -n 's/^ *"version": "\([^"]*\)".*/\1/p' \
        "$agents_dir/node_modules/@qwen-code/qwen-code/package.json" 2>/dev/null | head -n 1)
    [[ $installed == "$pinned" ]] && return 0
    has npm && npm install --no-save --prefix "$agents_dir" --no-audit --no-fund --loglevel=error >&2 && return 0
    missing "qwen $pinned is not installed" "\`npm install --no-save --prefix tests/agents\` shows why"
}

# need_all THING...: tells all that is missing, not only the first.
need_all() {
    local thing failed=0
    for thing; do "need_$thing" || failed=1; done
    return "$failed"
}
