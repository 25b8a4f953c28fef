"""Health, metrics, the OpenAPI document, headers, starting, an outage."""

from http import HTTPStatus
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from pilot.ports import LOCALHOST, free_port
from tests.integration.api.conftest import SECRET, Served, settings_for
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Services
from tests.support.waiting import wait_until


def test_health_names_what_works(served: Served) -> None:
    answer = served.client.get("/healthz")
    body = answer.json()
    assert (answer.status_code, body["status"], body["failing"]) == (200, "ok", [])
    assert [check["name"] for check in body["checks"]] == ["database", "schema"]
    assert 0 <= body["last_message_age_s"] < 3600
    assert body["last_kpi_run_age_s"] is None


def test_connections_that_the_server_ended_meanwhile_are_replaced(served: Served) -> None:
    with psycopg.connect(served.database.url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'haidang-api' "
            "AND datname = current_database()"
        ).fetchall()
    assert ended
    for _ in range(len(ended) + 1):
        assert served.client.get("/v1/sites", headers=served.headers()).status_code == HTTPStatus.OK


def test_an_outdated_schema_fails_and_says_what_to_do(database: TestDatabase) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000_older'")
    with TestClient(create_app(settings_for(database))) as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["schema"])
    assert "haidang db migrate" in answer.json()["checks"][1]["detail"]


def test_an_empty_database_fails_and_says_what_to_do(empty_database: TestDatabase) -> None:
    settings = ApiSettings(database_url=empty_database.url, session_secret=SECRET)  # type: ignore[arg-type]
    with TestClient(create_app(settings)) as client:
        answer = client.get("/healthz")
        refused = client.get("/v1/sites", headers={"Authorization": f"Bearer hd_{'0' * 12}_{'0' * 64}"})
    assert (answer.status_code, answer.json()["failing"]) == (503, ["schema"])
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:haidang:problem:schema-outdated")


def test_a_database_that_is_away_is_503_everywhere() -> None:
    url = f"postgresql://haidang_api@{LOCALHOST}:{free_port()}/gone"
    with TestClient(create_app(ApiSettings(database_url=url, session_secret=SECRET))) as client:  # type: ignore[arg-type]
        answer = client.get("/v1/sites", headers={"Authorization": f"Bearer hd_{'0' * 12}_{'0' * 64}"})
        health = client.get("/healthz")
        metrics = client.get("/metrics")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["type"] == "urn:haidang:problem:database-away"
    assert (health.status_code, health.json()["failing"]) == (503, ["database"])
    assert "haidang_api_healthy 0.0" in metrics.text


def test_answers_come_back_after_an_outage(database: TestDatabase) -> None:
    with TestClient(create_app(settings_for(database))) as client:
        assert client.get("/healthz").status_code == 200
        database.server.stop()
        assert client.get("/healthz").status_code == 503
        database.server.start()
        wait_until(lambda: client.get("/healthz").status_code == HTTPStatus.OK, what="the API to recover")


def test_metrics_count_by_route_and_show_no_site(served: Served) -> None:
    served.client.get("/v1/sites", headers=served.headers())
    text = served.client.get("/metrics").text
    assert 'haidang_api_requests_total{method="GET",route="/v1/sites",status="200"}' in text
    assert 'haidang_age_seconds{of="last_message"}' in text
    assert "haidang_api_healthy 1.0" in text
    assert "pilot" not in text


def test_invented_methods_are_one_label(served: Served) -> None:
    for method in ("BREW", "X-1"):
        assert served.client.request(method, "/v1/sites").status_code == 405
    text = served.client.get("/metrics").text
    assert 'method="other"' in text
    assert "BREW" not in text


def test_the_description_needs_no_key_and_the_manual_says_so(served: Served) -> None:
    assert {served.client.get(path).status_code for path in ("/docs", "/openapi.json")} == {200}
    manual = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert "Both need no\nkey" in manual


def test_every_answer_carries_the_security_headers(served: Served) -> None:
    for path in ("/healthz", "/v1/sites", "/login", "/nowhere", "/static/console.css"):
        headers = served.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_an_unknown_path_is_a_problem(served: Served) -> None:
    answer = served.client.get("/v1/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:haidang:problem:not-found")
    assert served.client.post("/v1/sites").status_code == 405


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/")
    ]


def test_the_openapi_document_says_how_to_sign_in_and_what_can_go_wrong(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    assert document["info"]["title"] == "Hải Đăng"
    for _, path, operation in operations(document):
        assert {"key": []} in operation["security"], path
        assert {"401", "422", "503"} <= set(operation["responses"]), path
        assert {"200", "201", "202"} & set(operation["responses"]), path
        refused = operation["responses"]["401"]["content"]
        assert "application/problem+json" in refused, path


def test_the_docs_page_names_every_route_and_parameter(served: Served) -> None:
    page = served.client.get("/docs").text
    for method, path, operation in operations(served.client.get("/openapi.json").json()):
        assert f"{method} {path}" in page
        assert all(f"<code>{parameter['name']}</code>" in page for parameter in operation.get("parameters", []))


def test_the_manual_names_every_route_and_every_setting(served: Served) -> None:
    manual = (ROOT / "docs" / "api.md").read_text("utf-8")
    for path in served.app.openapi()["paths"]:
        assert f"`{path}`" in manual, path
    for name in ApiSettings.model_fields:
        assert f"`HAIDANG_{name.upper()}`" in manual, name


@pytest.fixture
def environment(database: TestDatabase) -> dict[str, str]:
    return {
        "HAIDANG_DATABASE_URL": database.url_for("haidang_api"),
        "HAIDANG_SESSION_SECRET": SECRET,
        "HAIDANG_API_PORT": str(free_port()),
    }


def test_the_service_starts_and_stops(services: Services, environment: dict[str, str]) -> None:
    service = services.start("api", env=environment)
    wait_until(lambda: "api_listening" in service.log(), what="the service to listen")
    assert service.terminate() == 0


def one_line(services: Services, environment: dict[str, str]) -> str:
    service = services.start("api", env=environment)
    assert service.wait() == 1
    lines = [line for line in service.log().splitlines() if line.startswith("haidang api:")]
    assert len(lines) == 1
    assert "Traceback" not in service.log()
    return lines[0]


def test_a_taken_port_is_one_line_that_says_what_to_do(services: Services, environment: dict[str, str]) -> None:
    first = services.start("api", env=environment)
    wait_until(lambda: "api_listening" in first.log(), what="the service to listen")
    line = one_line(services, environment)
    assert environment["HAIDANG_API_PORT"] in line
    assert "HAIDANG_API_PORT" in line


def test_an_unreachable_database_is_one_line(services: Services, environment: dict[str, str]) -> None:
    away = f"postgresql://haidang_api:hidden@{LOCALHOST}:{free_port()}/x"
    line = one_line(services, {**environment, "HAIDANG_DATABASE_URL": away})
    assert "HAIDANG_DATABASE_URL" in line
    assert "hidden" not in line


def test_a_missing_migration_is_one_line(
    services: Services, environment: dict[str, str], empty_database: TestDatabase
) -> None:
    line = one_line(services, {**environment, "HAIDANG_DATABASE_URL": empty_database.url})
    assert "haidang db migrate" in line


def test_a_missing_secret_is_one_line(services: Services, environment: dict[str, str]) -> None:
    del environment["HAIDANG_SESSION_SECRET"]
    assert "HAIDANG_SESSION_SECRET" in one_line(services, environment)
