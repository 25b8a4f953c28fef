"""Settings of the KPI job, from the environment only (`HAIDANG_…`)."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class KpiSettings(BaseSettings):
    """Which database the job works on, how much at a time and how often."""

    model_config = SettingsConfigDict(env_prefix="HAIDANG_", frozen=True, extra="ignore")

    database_url: Annotated[str, Field(min_length=1, description="address of the database, as role haidang_kpi")]
    kpi_span_days: Annotated[int, Field(ge=1, le=366, description="production days computed at once, at most")] = 31
    kpi_span_rows: Annotated[int, Field(ge=10_000, description="readings computed at once, about; bounds memory")] = (
        4_000_000
    )
    kpi_poll_s: Annotated[float, Field(gt=0, le=3600, description="pause between two looks for work, seconds")] = 2.0
    kpi_open_day_s: Annotated[
        float, Field(ge=0, le=86_400, description="an open day is computed again at most this often, seconds")
    ] = 60.0
    kpi_close_s: Annotated[
        float, Field(gt=0, le=86_400, description="pause between two looks for windows that became final, seconds")
    ] = 300.0
    kpi_metrics_port: Annotated[
        int | None, Field(ge=1, le=65535, description="port of the Prometheus metrics; none without it")
    ] = None
