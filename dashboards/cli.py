"""`python -m dashboards build | check | publish`. In: arguments. Out: lines for a person, an exit code."""

import argparse
import os
import sys
from collections.abc import Sequence

from dashboards import generate
from dashboards.errors import PublishError
from dashboards.publish import publish


def run(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; 0 = done or nothing to do, 1 = drift or refused, 2 = wrong arguments."""
    asked = _parser().parse_args(arguments)
    if asked.command == "build":
        _tell(*(f"wrote {name}" for name in generate.build()))
        return 0
    if asked.command == "check":
        return _check()
    return _publish(asked.url, asked.token)


def _check() -> int:
    stale = generate.drift()
    if stale:
        _tell(*(f"differs from the code: dashboards/generated/{name}" for name in stale))
        _tell("Run `python -m dashboards build` and commit the result.")
    return int(bool(stale))


def _publish(url: str | None, token: str | None) -> int:
    if not url or not token:
        _tell("Say where and as whom: --url and --token, or HAIDANG_GRAFANA_URL and HAIDANG_GRAFANA_TOKEN.")
        return 2
    try:
        _tell(*(f"published {address}" for address in publish(url, token)))
    except PublishError as error:
        _tell(str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Grafana boards as code.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="write dashboards/generated from the code")
    commands.add_parser("check", help="exit 1 if dashboards/generated is not what the code makes")
    to_server = commands.add_parser("publish", help="create or replace the boards on a running Grafana")
    to_server.add_argument("--url", default=os.environ.get("HAIDANG_GRAFANA_URL"), help="http://127.0.0.1:3000")
    to_server.add_argument(
        "--token",
        default=os.environ.get("HAIDANG_GRAFANA_TOKEN"),
        help="of a service account with the role Editor; better given as HAIDANG_GRAFANA_TOKEN",
    )
    return parser


def _tell(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
