#!/usr/bin/env bash
# A real TimescaleDB (Debian 13's PostgreSQL 17, Apache edition) for tests, on 127.0.0.1 only. Run as root.
#
#   .ci/timescaledb.sh install   on Debian 13 the package itself, elsewhere the package in a small Debian 13 tree
#   .ci/timescaledb.sh start     a server on HAIDANG_CI_PORT (54317), its data made on the first start
#   .ci/timescaledb.sh stop | kill | restart | status | url | log | wipe
#
# "kill" ends the server without a shutdown (kill -9); the next start recovers, as after a power cut.
# Nothing is mounted: the tree can be removed with rm -rf once the server is stopped.
set -euo pipefail

ci_dir=${HAIDANG_CI_DIR:-/var/tmp/haidang-ci}
port=${HAIDANG_CI_PORT:-54317}
# Change the number when the package list changes: an older tree is then made anew.
tree_version=1
packages=(postgresql-17-timescaledb mosquitto)

say() { printf 'timescaledb: %s\n' "$*" >&2; }

is_debian_13() { (. /etc/os-release && [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 13 ]); }

if is_debian_13; then tree=/; else tree=$ci_dir/trixie; fi
bin=/usr/lib/postgresql/17/bin
# Paths as the server sees them, inside the tree.
data=/var/lib/haidang-test/$port
log=$data.log

as_postgres() { chroot --userspec=postgres:postgres "$tree" /usr/bin/env -i PATH="$bin:/usr/bin:/bin" LC_ALL=C.UTF-8 "$@" </dev/null 9>&-; }

install_package() {
    if [ -x "$bin/postgres" ] && [ -x /usr/sbin/mosquitto ] && compgen -G "/usr/lib/postgresql/17/lib/timescaledb*.so" >/dev/null; then return; fi
    mkdir -p /etc/postgresql-common
    # No cluster on port 5432 is wanted beside ours.
    grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
        echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${packages[@]}"
}

install_tree() {
    if [ "$(cat "$tree/.haidang-tree" 2>/dev/null)" = "$tree_version" ]; then return; fi
    command -v debootstrap >/dev/null || {
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends debootstrap
    }
    say "making a Debian 13 tree in $tree (about a minute, 700 MB)"
    remove_tree "$tree"
    remove_tree "$tree.partial"
    debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" trixie "$tree.partial" >"$ci_dir/debootstrap.log" 2>&1 || {
        tail -n 20 "$ci_dir/debootstrap.log" >&2
        say "debootstrap failed; the whole log is $ci_dir/debootstrap.log"
        return 1
    }
    rm -rf "$tree.partial"/var/cache/apt/archives/*.deb
    echo "$tree_version" >"$tree.partial/.haidang-tree"
    # The name appears only when everything is in it, so a half-made tree is never taken for a whole one.
    mv "$tree.partial" "$tree"
}

remove_tree() {
    [ -e "$1" ] || return 0
    stop_everything_in "$1"
    rm -rf --one-file-system "$1"
}

stop_everything_in() {
    local pid_file pid
    for pid_file in "$1"/var/lib/haidang-test/*/postmaster.pid; do
        [ -e "$pid_file" ] || continue
        pid=$(head -n 1 "$pid_file")
        if [ "$(readlink "/proc/$pid/root" 2>/dev/null)" = "$(realpath "$1")" ]; then
            kill -INT "$pid" && wait_until_gone "$pid"
        fi
    done
}

wait_until_gone() {
    local _
    for _ in $(seq 300); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    say "process $1 did not end within 30 s"
    return 1
}

server_pid() {
    local pid
    pid=$(head -n 1 "$tree$data/postmaster.pid" 2>/dev/null) || return 1
    # A number left by a killed server may belong to somebody else by now.
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ] && echo "$pid"
}

make_data() {
    if [ -f "$tree$data/.complete" ]; then return; fi
    rm -rf "$tree$data"
    mkdir -p "$tree$(dirname "$data")"
    chroot "$tree" chown postgres:postgres "$(dirname "$data")"
    as_postgres initdb -D "$data" -U postgres --encoding=UTF8 --locale=C.UTF-8 --auth=trust >/dev/null
    cat >>"$tree$data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
max_connections = 200
# Every test database that has the extension wants a worker of its own.
max_worker_processes = 48
timescaledb.max_background_workers = 24
shared_buffers = '256MB'
max_wal_size = '2GB'
# Processes are killed here, the machine is not: what the system holds for the disk is not lost.
fsync = off
max_locks_per_transaction = 256
# The tree has no /dev/shm of its own.
dynamic_shared_memory_type = mmap
timezone = 'UTC'
log_timezone = 'UTC'
SETTINGS
    echo 'host all all 127.0.0.1/32 trust' >"$tree$data/pg_hba.conf"
    as_postgres touch "$data/.complete"
}

start() {
    if server_pid >/dev/null; then return; fi
    make_data
    as_postgres pg_ctl -D "$data" -l "$log" -w -t 60 start >/dev/null 2>&1 || {
        tail -n 20 "$tree$log" >&2
        say "the server did not start on port $port; the whole log is $tree$log"
        return 1
    }
}

stop() {
    local pid
    pid=$(server_pid) || return 0
    kill -INT "$pid"
    wait_until_gone "$pid"
}

kill_hard() {
    local pid children
    pid=$(server_pid) || return 0
    children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || true)
    # shellcheck disable=SC2086  # a list of numbers
    kill -KILL "$pid" $children 2>/dev/null || true
    local each
    for each in $pid $children; do wait_until_gone "$each"; done
}

url() { echo "postgresql://postgres@127.0.0.1:$port/postgres"; }

# One caller at a time: two test runs may share the tree.
mkdir -p "$ci_dir"
exec 9>"$ci_dir/lock"
flock 9

case "${1:-}" in
    install) if is_debian_13; then install_package; else install_tree; fi ;;
    start) start ;;
    stop) stop ;;
    restart) stop && start ;;
    kill) kill_hard ;;
    status) if server_pid >/dev/null; then echo running; else echo stopped; exit 3; fi ;;
    url) url ;;
    log) cat "$tree$log" ;;
    wipe) stop && rm -rf "${tree:?}$data" "${tree:?}$log" ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
