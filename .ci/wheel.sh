#!/usr/bin/env bash
# Builds the wheel, installs it where no checkout is in sight, and starts every command of it once.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/python -m hatchling build -t wheel -d "$work/dist"
.venv/bin/python -m venv "$work/venv"
wheel=$(echo "$work"/dist/haidang-*.whl)
if [ -x .venv/bin/uv ]; then
    .venv/bin/uv pip install --quiet --python "$work/venv/bin/python" -c constraints.txt "$wheel[embedded,grafana]"
else
    "$work/venv/bin/python" -m pip install --quiet -c constraints.txt "$wheel[embedded,grafana]"
fi

cd "$work"
unset PYTHONPATH
python=$work/venv/bin/python
"$python" - "$checkout" <<'CHECK'
import sys, store
assert not store.__file__.startswith(sys.argv[1]), f"imported from the checkout: {store.__file__}"
CHECK

start() {
    printf 'starts from the wheel: %s\n' "$*"
    timeout 60 "$@" >"$work/output" 2>&1 </dev/null || { cat "$work/output"; return 1; }
}
start "$work/venv/bin/haidang" --help
for main in "$checkout"/*/__main__.py; do
    start "$python" -m "$(basename "$(dirname "$main")")" --help
done
