"""The one data source of all boards, and its query type, which the Foundation SDK does not bring for PostgreSQL."""

from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

TYPE = "grafana-postgresql-datasource"
UID = "haidang-timescaledb"
NAME = "Hải Đăng"

Format = Literal["time_series", "table"]


def reference() -> DataSourceRef:
    """How panels and variables name the data source."""
    return DataSourceRef(type_val=TYPE, uid=UID)


@dataclass(frozen=True)
class SqlTarget(Dataquery):
    """A statement as Grafana's PostgreSQL plugin keeps it in a panel."""

    sql: str
    format: Format
    ref_id: str = "A"

    def to_json(self) -> dict[str, object]:
        return {
            "refId": self.ref_id,
            "datasource": reference(),
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.sql,
        }


class Sql(Builder[Dataquery]):
    """Builder of an `SqlTarget`.

    `time_series` needs the columns time, metric and one number; `table` leaves the columns as they are.
    """

    def __init__(self, sql: str, format_: Format = "time_series") -> None:
        self._target = SqlTarget(sql, format_)

    def build(self) -> SqlTarget:
        return self._target
