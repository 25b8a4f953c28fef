"""One filled database and one application per module; keys of each kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from store.access import create_key
from store.pool import connect
from tests.support.database import Databases, TestDatabase
from tests.support.fill import OTHER_SITE, SITE, Factory, fill

SECRET = "0123456789abcdef" * 4
DAY = date(2026, 3, 9)


@dataclass(frozen=True)
class Served:
    """A running application over a filled database."""

    database: TestDatabase
    factory: Factory
    app: FastAPI
    client: TestClient
    keys: dict[str, str]

    def headers(self, who: str = "viewer") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[who]}"}


def settings_for(database: TestDatabase) -> ApiSettings:
    return ApiSettings(database_url=database.url_for("haidang_api"), session_secret=SECRET)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(databases: Databases) -> Iterator[Served]:
    with databases.clone() as database:
        factory = fill(database.url, DAY)
        with connect(database.url) as connection:
            keys = {
                "viewer": create_key(connection, "viewer", role="viewer", sites=[SITE]),
                "engineer": create_key(connection, "engineer", role="engineer", sites=[SITE]),
                "foreigner": create_key(connection, "foreigner", role="viewer", sites=[OTHER_SITE]),
                "nobody": create_key(connection, "nobody", role="viewer", sites=[]),
                "admin": create_key(connection, "admin", role="admin"),
            }
        app = create_app(settings_for(database))
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Served(database, factory, app, client, keys)
