"""The rivals of the benchmark make the very numbers that the job stores: nobody is faster by doing less."""

from dataclasses import replace
from datetime import timedelta
from math import isnan

import psycopg
import pytest

from kpi.running.job import run_once
from pilot.bench_kpi_plant import LATENESS, SITE, Size, fill
from tests.benchmarks.kpi_numbers import NAMES, differences, ours
from tests.benchmarks.kpi_pandas import in_pandas
from tests.benchmarks.kpi_rivals import in_sql
from tests.support.database import TestDatabase

SIZE = Size(machines=2, days=1, thin=40)
# The benchmark runs on the embedded server, which has this function; PostgreSQL before 18 does not. Up to eight bytes.
REVERSE = "CREATE FUNCTION reverse(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT {} $$".format(
    " || ".join(f"substring($1 FROM {n} FOR 1)" for n in range(8, 0, -1))
)


@pytest.mark.needs_database
def test_rivals_make_the_numbers_that_the_job_stores(database: TestDatabase) -> None:
    fill(database.url, SIZE)
    run_once(database.url_for("haidang_kpi"), site=SITE, now=SIZE.until + LATENESS + timedelta(days=1))

    with psycopg.connect(database.url) as connection:
        if connection.info.server_version < 180000:
            connection.execute(REVERSE)
        of_sql, _ = in_sql(connection, SIZE)
    of_pandas, _ = in_pandas(database.url, SIZE)
    stored = ours(database.url)

    assert list(differences(of_sql, stored)) == []
    assert list(differences(of_pandas, stored)) == []
    assert len(stored.windows) == (2 + 1 + 1) * (24 + 2 + 1)  # machines, line, site; hours, shifts, day
    assert len(stored.series) == 2 * 20
    of_day = dict(zip(NAMES, stored.windows["", "day", min(stored.windows)[2]], strict=True))
    assert all(value > 0 for name, value in of_day.items() if "unknown" not in name)
    assert not any(map(isnan, of_day.values()))
    key = min(of_pandas.series)
    odd = replace(of_pandas, series={**of_pandas.series, key: [0, *of_pandas.series[key][1:]]})
    assert len(list(differences(odd, stored))) == 1
