"""Skip for want of a service, unless HAIDANG_TEST_REQUIRE says that this run must have it."""

import os
from typing import NoReturn

import pytest


def required() -> frozenset[str]:
    """Names of the services that this run may not skip."""
    names = os.environ.get("HAIDANG_TEST_REQUIRE", "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def missing(service: str, reason: str) -> NoReturn:
    """Skip the test, or fail it where the service is required."""
    if service in required():
        pytest.fail(f"{service} is required here: {reason}", pytrace=False)
    pytest.skip(f"no {service}: {reason}")
