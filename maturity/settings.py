"""Settings of the evidence service, from the environment only (`HAIDANG_…`)."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from maturity.errors import SettingsError
from store.usage import settings_of


class EvidenceSettings(BaseSettings):
    """Which database, which key, how often."""

    model_config = SettingsConfigDict(env_prefix="HAIDANG_", frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: Annotated[str, Field(min_length=1, description="address of the database, as role haidang_evidence")]
    signing_key_file: Annotated[
        Path | None, Field(description="file of the key that signs the evidence log; without it nothing is signed")
    ] = None
    evidence_every_s: Annotated[
        float, Field(ge=1, le=86_400, description="pause between two looks for what became final, seconds")
    ] = 300.0
    log_format: Annotated[Literal["text", "json"], Field(description="log lines for people or for machines")] = "text"


def read_settings(**given: Any) -> EvidenceSettings:
    """Settings from arguments and the environment.

    Raises:
        SettingsError: names each variable that is missing or wrong.
    """
    return settings_of(EvidenceSettings, "the evidence service", SettingsError, given)
