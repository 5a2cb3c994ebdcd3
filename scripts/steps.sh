# shellcheck shell=bash
# Sourced by the other scripts: says which step runs and how long it took. It never swallows a failure.

set -euo pipefail

# The root of the checkout, wherever the script was called from.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# The Debian image has cargo in the home folder only; rustup's installer does not touch a running shell.
if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
fi

# CI must build exactly the locked versions; a developer who is adding a dependency may change the lock.
locked=
if [ "${CI:-}" = true ]; then
    # shellcheck disable=SC2034  # read by the scripts that source this one, unquoted: it may be nothing
    locked=--locked
fi

say() { printf '\n==> %s\n' "$*" >&2; }
die() { printf '\nerror: %s\n' "$*" >&2; exit 1; }

# step "what it does" command arguments…
step() {
    local what=$1 began=$SECONDS status=0
    shift
    say "$what"
    "$@" </dev/null || status=$?
    local took=$((SECONDS - began))
    if [ "$status" -eq 0 ]; then
        printf -- '--- %s: done in %d s\n' "$what" "$took" >&2
    else
        printf -- '--- %s: FAILED (exit %d) after %d s: %s\n' "$what" "$status" "$took" "$*" >&2
    fi
    return "$status"
}
