"""Settings of the KPI job, from the environment only (`HAIDANG_…`)."""

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from kpi.errors import SettingsError
from store.usage import settings_of


class KpiSettings(BaseSettings):
    """Which database the job works on, how much at a time and how often."""

    model_config = SettingsConfigDict(env_prefix="HAIDANG_", frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: Annotated[str, Field(min_length=1, description="address of the database, as role haidang_kpi")]
    kpi_span_days: Annotated[int, Field(ge=1, le=366, description="production days computed at once, at most")] = 31
    kpi_span_rows: Annotated[
        int, Field(ge=10_000, description="readings of the days computed at once, about; a day is never cut")
    ] = 20_000_000
    kpi_part_rows: Annotated[
        int, Field(ge=1, description="readings of the assets computed at once, about; bounds memory")
    ] = 4_000_000
    kpi_processes: Annotated[int, Field(ge=1, le=64, description="processes that compute the assets of a span")] = 1
    kpi_poll_s: Annotated[float, Field(gt=0, le=3600, description="pause between two looks for work, seconds")] = 2.0
    kpi_open_day_s: Annotated[
        float, Field(ge=0, le=86_400, description="an open day is computed again at most this often, seconds")
    ] = 60.0
    kpi_close_s: Annotated[
        float, Field(gt=0, le=86_400, description="pause between two looks for windows that became final, seconds")
    ] = 300.0
    kpi_metrics_host: Annotated[str, Field(description="address of the Prometheus metrics")] = "127.0.0.1"
    kpi_metrics_port: Annotated[int, Field(ge=0, le=65_535, description="port of the metrics, 0 = none")] = 0
    log_format: Annotated[Literal["text", "json"], Field(description="log lines for people or for machines")] = "text"


def read_settings(**given: Any) -> KpiSettings:
    """Settings from arguments and the environment.

    Raises:
        SettingsError: names each variable that is missing or wrong.
    """
    return settings_of(KpiSettings, "the KPI job", SettingsError, given)
