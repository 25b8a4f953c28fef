"""The settings of all services, read from their own classes, for people to look at."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from ingest.settings import IngestSettings
from kpi.running.settings import KpiSettings
from maturity.settings import EvidenceSettings
from simulators.settings import PlantSettings
from store.errors import without_password

_SERVICES: dict[str, type[BaseSettings]] = {
    "ingest": IngestSettings,
    "kpi": KpiSettings,
    "maturity": EvidenceSettings,
    "api": ApiSettings,
    "simulate": PlantSettings,
}
_SECRET = ("SECRET", "PASSWORD", "KEY")


@dataclass(frozen=True)
class Shown:
    """A setting as it may be shown."""

    variable: str
    shown: str
    source: str
    service: str
    meaning: str


def all_settings() -> list[Shown]:
    """Every environment variable of every service, in order of name; shared ones once."""
    found: dict[str, Shown] = {}
    for service, settings in _SERVICES.items():
        for shown in _of(service, settings):
            known = found.get(shown.variable)
            found[shown.variable] = replace(known, service=f"{known.service}, {service}") if known else shown
    return [found[name] for name in sorted(found)]


def as_json(settings: list[Shown]) -> str:
    """The same as JSON."""
    return json.dumps([asdict(setting) for setting in settings], indent=2, ensure_ascii=False)


def _of(service: str, settings: type[BaseSettings]) -> Iterator[Shown]:
    prefix = settings.model_config.get("env_prefix", "")
    for name, info in settings.model_fields.items():
        variable = f"{prefix}{name}".upper()
        given = os.environ.get(variable)
        secret = info.annotation is SecretStr or _names_secret(variable)
        default = "" if info.default in {PydanticUndefined, None, ()} else str(info.default)
        source = "environment" if given else "default" if default else "not set"
        value = given or default
        shown = ("(set)" if value else "") if secret else _without_password(value)
        yield Shown(variable, shown, source, service, info.description or "")


def _names_secret(variable: str) -> bool:
    """Whether the variable holds a secret itself; the name of a file with one may be shown."""
    return any(word in variable for word in _SECRET) and not variable.endswith("_FILE")


def _without_password(value: str) -> str:
    return without_password(value) if urlsplit(value).scheme else value
