"""Migrate the Community edition and read back that its own features were taken.

In: the address of the server as the only argument. Out: one line per finding, exit code 1 if any
is wrong.
"""

import sys

import psycopg

from store.migrate import migrate

FINDINGS = {
    "license": ("SHOW timescaledb.license", "timescale"),
    "hypertables include reading": (
        "SELECT count(*) FROM timescaledb_information.hypertables WHERE hypertable_name = 'reading'",
        1,
    ),
    "the columnstore is on": (
        "SELECT compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_name = 'reading'",
        True,
    ),
    "days become columns by policy": (
        "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'",
        1,
    ),
}


def main(url: str) -> int:
    before, after = migrate(url), migrate(url)
    wrong = 0 if after.up_to_date and before == after else 1
    print(f"migrated twice: {after}")
    with psycopg.connect(url, prepare_threshold=None) as connection:
        for name, (statement, expected) in FINDINGS.items():
            row = connection.execute(statement).fetchone()
            found = row[0] if row else None
            print(f"{name}: {found!r}")
            wrong += found != expected
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
