"""One exported package for all tests that look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.maturity.factory import Factory, running_factory
from tests.support.database import Databases


@pytest.fixture(scope="session")
def packed(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """The database of a factory of one machine, and a package of its first week; nobody changes them."""
    with running_factory(databases, tmp_path_factory.mktemp("package")) as made:
        yield made


@pytest.fixture
def package(packed: Factory) -> Path:
    return packed[1]
