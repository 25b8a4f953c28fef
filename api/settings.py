"""Settings of the API, from the environment only (`HAIDANG_…`)."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_SECRET_LENGTH = 32


def _is_secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if len(text) < MIN_SECRET_LENGTH or len(set(text)) < 8:
        raise ValueError(
            f"must be at least {MIN_SECRET_LENGTH} random characters, "
            "e.g. from: python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return value


class ApiSettings(BaseSettings):
    """Where the API listens, which database it reads, with which secret it signs sessions."""

    model_config = SettingsConfigDict(env_prefix="HAIDANG_", frozen=True, extra="ignore")

    database_url: Annotated[str, Field(min_length=1, description="address of the database, as role haidang_api")]
    session_secret: Annotated[
        SecretStr, AfterValidator(_is_secret), Field(description="signs sessions and login links; no default")
    ]
    api_host: Annotated[str, Field(description="address to listen on; 127.0.0.1 = this machine only")] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65535, description="port to listen on")] = 8000
    api_pool_size: Annotated[int, Field(ge=1, le=100, description="database connections at most")] = 8
    api_session_hours: Annotated[float, Field(gt=0, le=720, description="length of a console session")] = 12.0
    programme_min_sites: Annotated[
        int, Field(ge=3, description="fewest sites of a programme from which on they are compared")
    ] = 5


def explain(error: ValidationError) -> str:
    """Say which variables are missing or unusable, in one sentence."""
    places = [f"HAIDANG_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()]
    return "The settings are not usable. " + "; ".join(places)
