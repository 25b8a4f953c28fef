"""`python -m SERVICE --help`: what the service does, and the environment variables that configure it."""

import sys
from collections.abc import Sequence

from pydantic_settings import BaseSettings


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
