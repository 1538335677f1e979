#!/usr/bin/env bash
# Everything that a change must pass: formats, lints, tests with their examples and documents, and the
# README's quick start. Installs what the tests need when it is missing and says so. Runs from a clean
# clone, as root or not; a second run reuses target/.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

# Runs a command as root: directly, or through sudo where that asks for no password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"; else return 1; fi
}

install_debian() {
    say "installing $*"
    if ! command -v apt-get >/dev/null || ! { as_root apt-get update -qq && as_root apt-get install -y -qq "$@" >/dev/null; }; then
        echo "cannot install $* here: install it by hand, then run ./test.sh again" >&2
        exit 1
    fi
}

for tool in cargo rustc; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: install Rust 1.95 or newer with rustup" >&2; exit 1; }
done
for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 || rustup component add "${component/fmt/rustfmt}"
done
command -v cc >/dev/null || install_debian build-essential

# The reference answers, where the project's shared folder lies beside the clone: three data sets from
# its generator, kept in target/parity-cache.
parity="${PWD}/../shared/parity/generate.py"
cache="${PWD}/target/parity-cache"
if [ -f "$parity" ] && ! { [ -f "$cache/done" ] && cmp -s "$parity" "$cache/done"; }; then
    say "writing the parity data sets into target/parity-cache"
    command -v python3 >/dev/null || install_debian python3
    venv="${PWD}/target/parity-venv"
    if ! "$venv/bin/python" -c 'import numpy, pandas, pyarrow' 2>/dev/null; then
        rm -rf "$venv"
        python3 -m venv "$venv" 2>/dev/null || { install_debian python3-venv; python3 -m venv "$venv"; }
        "$venv/bin/pip" install --quiet --disable-pip-version-check numpy pandas pyarrow
    fi
    mkdir -p "$cache"
    "$venv/bin/python" "$parity" "$cache"
    cat "$parity" >"$cache/done"
fi

say "formats"
cargo fmt --all --check

say "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

say "tests"
cargo test --workspace --locked

say "the documents of the public interface"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

# The README's command but for --release: the program is built already, and optimising it takes minutes.
# BARHIVE_RELEASE=1 spends them.
say "quick start"
profile=()
[ "${BARHIVE_RELEASE:-}" = 1 ] && profile=(--release)
cargo run "${profile[@]}" --locked --quiet -- run config/quickstart.yaml --results-dir target/quickstart --quiet
test -s target/quickstart/report.html

say "all passed"
