"""Settings of services: read from the environment, and shown by `python -m SERVICE --help`."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

Settings = TypeVar("Settings", bound=BaseSettings)


def settings_of(kind: type[Settings], service: str, refusal: type[Exception], given: Mapping[str, Any]) -> Settings:
    """Read settings from arguments and the environment.

    Args:
        kind: the settings.
        service: whose settings they are, in a sentence.
        refusal: the service's error; it names each variable that is missing or wrong.
        given: arguments that go before the environment.
    """
    try:
        return kind(**given)
    except ValidationError as error:
        lines = [f"HAIDANG_{str(e['loc'][0]).upper()}: {e['msg']}" if e["loc"] else e["msg"] for e in error.errors()]
        raise refusal(f"Settings of {service} are not usable: " + "; ".join(lines)) from error


def help_wanted(service: str, purpose: str, settings: type[BaseSettings], arguments: Sequence[str]) -> bool:
    """Print the help when it is asked for, and say whether it was."""
    if not {"-h", "--help"} & set(arguments):
        return False
    prefix = settings.model_config.get("env_prefix", "")
    lines = [f"usage: python -m {service}", "", purpose, "", "Configured by the environment:"]
    for name, field in settings.model_fields.items():
        default = "required" if field.is_required() else f"default {field.default!s}"
        lines.append(f"  {f'{prefix}{name}'.upper():<36} {field.description} ({default})")
    sys.stdout.write("\n".join(lines) + "\n")
    return True
