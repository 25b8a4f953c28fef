"""What tests may ask for: a database, a broker, a browser, our services as processes, recordings.

docs/testing.md explains the services and the HAIDANG_TEST_* variables.
"""

import os
import signal
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page

from tests.support import paths
from tests.support.broker import Broker, running_broker
from tests.support.browser import running_browser
from tests.support.database import Databases, TestDatabase
from tests.support.database_server import DatabaseServer, start_server, take_own_server
from tests.support.service import AS_INSTALLED, Services

SERVICES = pytest.StashKey[list[Services]]()


def pytest_configure() -> None:
    # `timeout 600 pytest` and CI's limits end us with SIGTERM: as after Ctrl-C, what runs is stopped first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A busy machine is slow for a moment: how long one example takes says nothing about the code.
    settings.register_profile("without_deadline", deadline=None)
    settings.load_profile("without_deadline")
    take_own_server()


class BrokerFactory(Protocol):
    def __call__(self) -> AbstractContextManager[Broker]: ...


@pytest.fixture(scope="session", autouse=True)
def as_installed() -> Iterator[None]:
    """Every process that a test starts, by whatever way, has what an installation has: no pandas."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(AS_INSTALLED))
        yield


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """The server of the whole run, for tests that stop, kill or start it."""
    server = start_server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def databases(database_server: DatabaseServer) -> Iterator[Databases]:
    """`with databases.clone() as db` or `.empty()`: for fixtures of a wider scope than a test."""
    maker = Databases(database_server)
    yield maker
    maker.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[TestDatabase]:
    """A migrated database of this test's own."""
    with databases.clone() as made:
        yield made


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[TestDatabase]:
    """A database of this test's own without our schema."""
    with databases.empty() as made:
        yield made


@pytest.fixture(scope="session")
def broker_factory() -> BrokerFactory:
    """`with broker_factory() as broker`: for fixtures of a wider scope than a test."""
    return running_broker


@pytest.fixture
def broker(broker_factory: BrokerFactory) -> Iterator[Broker]:
    """An empty broker of this test's own."""
    with broker_factory() as running:
        yield running


@pytest.fixture
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    """`services.start("ingest", env={...})`; the end of each log is shown when the test fails."""
    started = Services(tmp_path)
    request.node.stash.setdefault(SERVICES, []).append(started)
    yield started
    started.end_all()


# Not wider: while it is open, Playwright owns this thread's event loop and asyncio.run() fails.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page in a context of its own (no cookies of another test)."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the recordings; without it the test is skipped, unless the run names the folder."""
    folder = paths.shared_data()
    if not folder.is_dir():
        if "HAIDANG_SHARED_DATA" in os.environ:
            pytest.fail(f"HAIDANG_SHARED_DATA names no folder: {folder}", pytrace=False)
        pytest.skip(f"the recordings are not at {folder}; HAIDANG_SHARED_DATA may name them")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for group in item.stash.get(SERVICES, []):
            for service in group.started:
                report.sections.append((f"end of the log of {service.name}", service.tail()))
    return report
