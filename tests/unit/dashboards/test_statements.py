import re

import pytest

from dashboards.statements import statement
from store.queries import load

WITH_KPI = ("kpi_series", "kpis_series", "trust_series", "kpi_by_shift", "kpi_latest", "kpi_quality", "factor_sets")
WITHOUT = ("sites", "lines", "states", "stops", "rejected", "ledger")
FRAGMENTS = ("scope", "slots", "coarse", "units")


def test_every_block_is_a_statement_or_a_fragment() -> None:
    assert sorted(load("grafana")) == sorted(WITH_KPI + WITHOUT + FRAGMENTS)


@pytest.mark.parametrize("name", WITH_KPI)
def test_ids_and_fragments_are_filled_in(name: str) -> None:
    sql = statement(name, "oee", "energy")
    assert "'oee', 'energy'" in sql
    assert "<<" not in sql


@pytest.mark.parametrize("name", WITH_KPI + WITHOUT)
def test_a_comment_never_swallows_the_statement(name: str) -> None:
    code = "\n".join(line for line in statement(name, "oee").splitlines() if not line.startswith("--"))
    assert "--" not in code


@pytest.mark.parametrize("name", WITH_KPI + WITHOUT)
def test_grafana_sees_no_macro_in_a_comment(name: str) -> None:
    assert not [line for line in statement(name, "oee").splitlines() if line.startswith("--") and "$" in line]


@pytest.mark.parametrize("name", WITHOUT + WITH_KPI)
def test_values_of_variables_are_always_quoted_by_grafana(name: str) -> None:
    """`$site` as it is would put a person's input into the statement unquoted."""
    left = re.sub(r"\$\{\w+:sqlstring\}|\$__\w+", "", statement(name, "oee"))
    assert "$" not in left


@pytest.mark.parametrize("id_", ["oee'", "OEE", "", "oee; DROP TABLE site", "oee\n"])
def test_what_is_not_a_kpi_id_is_refused(id_: str) -> None:
    with pytest.raises(ValueError, match="not a KPI id"):
        statement("kpi_series", id_)


def test_a_statement_about_a_kpi_needs_one() -> None:
    with pytest.raises(ValueError, match="needs the id"):
        statement("kpi_series")
