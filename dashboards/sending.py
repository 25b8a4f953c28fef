"""What Grafana does with a statement before it reaches the database: variables and macros become text.

The rules are those of Grafana 11's variable format `sqlstring` and of its PostgreSQL plugin; a word that
these rules leave over would reach the database as it is, so it is an error here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_VARIABLE = re.compile(r"\$\{(?P<name>\w+):sqlstring\}")
_MACRO = re.compile(r"\$__(?P<name>\w+)\((?P<column>[^)]*)\)")
_LEFT = re.compile(r"\$\{?\w+[^\s,]*")


@dataclass(frozen=True)
class Asked:
    """What a person chose at the top of a board, and how wide a panel is."""

    from_ts: datetime
    to_ts: datetime
    variables: dict[str, str | list[str]] = field(default_factory=dict)
    panel_points: int = 1000

    @property
    def interval_ms(self) -> int:
        return max(1, int((self.to_ts - self.from_ts) / timedelta(milliseconds=1)) // self.panel_points)


def expand(sql: str, asked: Asked) -> str:
    """Make the statement that the database receives.

    Raises:
        ValueError: Grafana would leave something of it as it is.
    """
    sql = _VARIABLE.sub(lambda found: _sqlstring(asked.variables[found["name"]]), sql)
    sql = sql.replace("$__interval_ms", str(asked.interval_ms))
    sql = _MACRO.sub(lambda found: _macro(found, asked), sql)
    if left := _LEFT.findall(sql):
        raise ValueError(f"Grafana would send these as they are: {left}")
    return sql


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels of a board that show data, those inside collapsed rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels") or []
        else:
            yield panel


def _sqlstring(value: str | list[str]) -> str:
    values = [value] if isinstance(value, str) else value
    return ",".join("'" + one.replace("'", "''") + "'" for one in values)


def _macro(found: re.Match[str], asked: Asked) -> str:
    from_, to = _instant(asked.from_ts), _instant(asked.to_ts)
    known = {
        "timeFrom": f"'{from_}'",
        "timeTo": f"'{to}'",
        "timeFilter": f"{found['column']} BETWEEN '{from_}' AND '{to}'",
    }
    return known[found["name"]]


def _instant(ts: datetime) -> str:
    return ts.astimezone(UTC).isoformat().replace("+00:00", "Z")
