"""Flags of `python -m simulators`: an argument list in, settings out."""

import argparse
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from simulators.errors import SettingsError
from simulators.faults import PROFILES
from simulators.settings import PlantSettings

_DESCRIPTION = """\
The virtual plant `demo-plant`: a bottling line, an injection-moulding cell and their energy meters, in native JSON
over MQTT. It publishes N days of history as fast as the broker takes them and can then go on in real time.
"""
_EXAMPLES = """\
examples:
  python -m simulators --days 3 --truth truth.jsonl      three days up to now, and what really happened
  python -m simulators --days 1 --live                   a day of history, then real time until stopped
  python -m simulators --days 120 --sample-period 300    a third of a year, coarse
  python -m simulators --start 2026-11-02T06:00:00+07:00 --days 1 --seed 7   the same bytes every time

Each flag is also an environment variable (HAIDANG_BROKER_URL, HAIDANG_BROKER_CA_FILE, HAIDANG_SIMULATOR_SEED, ...);
put a password into HAIDANG_BROKER_URL rather than into a flag. Exit code 0 means: everything was acknowledged.
"""


def settings_from(arguments: Sequence[str]) -> PlantSettings:
    """Return settings from flags, then environment, then defaults."""
    given = {name: value for name, value in vars(_parser().parse_args(arguments)).items() if value is not None}
    try:
        return PlantSettings(**given)
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = "-".join(str(part) for part in problem["loc"]).removeprefix("simulator_").replace("_", "-")
    return f"{'--' + where + ': ' if where else ''}{problem['msg'].removeprefix('Value error, ')}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add(parser, "--broker", "broker_url", metavar="URL")
    _add(parser, "--ca-file", "broker_ca_file", metavar="FILE")
    _add(parser, "--cert-file", "broker_cert_file", metavar="FILE")
    _add(parser, "--key-file", "broker_key_file", metavar="FILE")
    _add(parser, "--days", "simulator_days", type=float, metavar="N")
    _add(parser, "--start", "simulator_start", metavar="ISO")
    _add(parser, "--live", "simulator_live", action=argparse.BooleanOptionalAction)
    _add(parser, "--seed", "simulator_seed", type=int, metavar="N")
    _add(parser, "--sample-period", "simulator_sample_period_s", type=int, metavar="S")
    _add(parser, "--batch", "simulator_batch", type=int, metavar="N")
    _add(parser, "--faults", "simulator_faults", choices=tuple(PROFILES))
    _add(parser, "--truth", "simulator_truth", metavar="FILE")
    return parser


def _add(parser: argparse.ArgumentParser, flag: str, field: str, **options: Any) -> None:
    info = PlantSettings.model_fields[field]
    text = f"{info.description} (default: {info.default})"
    parser.add_argument(flag, dest=field, default=None, help=text, **options)
