"""docker-compose.yml as Docker Compose reads it: variables filled in by its rules, merge keys resolved."""

import re
from typing import Any

import yaml

from tests.support.deployed import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"

# $$ is a dollar; ${NAME}, ${NAME:-default}, ${NAME:?message} are the forms that this repository uses.
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<text>[^}]*))?\}|(?P<other>.))")


class MissingVariableError(Exception):
    """Compose would stop here, with this message."""


def load(environment: dict[str, str]) -> dict[str, Any]:
    """The file with its variables taken from the environment given.

    Raises:
        MissingVariableError: a `${NAME:?message}` has no value.
    """
    read: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))
    filled: dict[str, Any] = _filled(read, environment)
    return filled


def variables() -> dict[str, str]:
    """Every variable of the file, and whether it is required (`:?`), has a default (`:-`) or is bare."""
    return {found["name"]: found["kind"] or "" for found in _variables(yaml.safe_load(COMPOSE_FILE.read_text("utf-8")))}


def _variables(part: Any) -> list[re.Match[str]]:
    if isinstance(part, dict):
        return [found for value in part.values() for found in _variables(value)]
    if isinstance(part, list):
        return [found for value in part for found in _variables(value)]
    return [found for found in _VARIABLE.finditer(part) if found["name"]] if isinstance(part, str) else []


def _filled(part: Any, environment: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: _filled(value, environment) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, environment) for value in part]
    return _VARIABLE.sub(lambda found: _value(found, environment), part) if isinstance(part, str) else part


def _value(found: re.Match[str], environment: dict[str, str]) -> str:
    if found["escaped"]:
        return "$"
    assert found["name"], f"a form of variable that this reader does not know: {found.group()!r}"
    value = environment.get(found["name"], "")
    if not value and found["kind"] == ":?":
        raise MissingVariableError(f"{found['name']}: {found['text']}")
    return value or (found["text"] if found["kind"] == ":-" else "")
