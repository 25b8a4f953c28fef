#!/usr/bin/env bash
# Runs the migrations on TimescaleDB's Community edition: a WebAssembly build from npm, one connection, in memory.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
server=
tidy() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap tidy EXIT

cp .ci/community/{package.json,package-lock.json,server.mjs} .ci/community/.npmrc "$work"
(cd "$work" && npm ci --no-audit --no-fund --loglevel=error)

port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd "$work" && exec node server.mjs "$port") >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 240); do
    if grep -q '^ready' "$work/server.log"; then break; fi
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
    sleep 0.5
done
grep -q '^ready' "$work/server.log" || { echo "the server was not ready after two minutes" >&2; exit 1; }

PYTHONPATH=. timeout 600 .venv/bin/python .ci/community/check.py \
    "postgresql://postgres:postgres@127.0.0.1:$port/postgres?sslmode=disable&gssencmode=disable"
