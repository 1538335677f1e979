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

# A PostgreSQL server for the tests of the results database: its data in target/, its socket in a folder
# of its own, no port. It refuses to run as root, so root starts it as the user that its package makes.
start_postgres() {
    local programs data owner=()
    programs=$(find /usr/lib/postgresql -maxdepth 3 -name pg_ctl 2>/dev/null | sort -V | tail -1 || true)
    if [ -z "$programs" ]; then
        install_debian postgresql
        programs=$(find /usr/lib/postgresql -maxdepth 3 -name pg_ctl | sort -V | tail -1)
    fi
    programs=$(dirname "$programs")
    data="${PWD}/target/postgres"
    sockets=$(mktemp -d "${TMPDIR:-/tmp}/barhive-postgres.XXXXXX")
    rm -rf "$data"
    mkdir -p "$data"
    if [ "$(id -u)" = 0 ]; then
        owner=(runuser -u postgres --)
        # A clone below a folder that only root may enter: the data go beside the socket.
        if ! "${owner[@]}" test -x "$data"; then data="$sockets/data"; mkdir "$data"; fi
        chown postgres "$data" "$sockets"
    fi
    chmod 700 "$data"
    postgres_stop=("${owner[@]}" "$programs/pg_ctl" -D "$data" -m immediate stop)
    trap '"${postgres_stop[@]}" >/dev/null 2>&1 || true; rm -rf "$sockets"' EXIT
    (
        cd /
        "${owner[@]}" "$programs/initdb" -D "$data" -U barhive -A trust -E UTF8 --no-sync >/dev/null
        "${owner[@]}" "$programs/pg_ctl" -D "$data" -l "$data/log" -w \
            -o "-k '$sockets' -c listen_addresses= -c fsync=off" start >/dev/null
    )
    export BARHIVE_TEST_POSTGRES="postgres://barhive@${sockets//\//%2F}/postgres"
}

# The page of the job server is looked at by a browser.
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    install_debian chromium

say "PostgreSQL for the tests"
start_postgres

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
