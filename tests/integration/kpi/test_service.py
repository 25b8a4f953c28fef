import json
import socket

from pilot.ports import free_port
from tests.integration.kpi.plant import Plant
from tests.support.database import TestDatabase
from tests.support.service import Services
from tests.support.waiting import wait_until


def test_the_service_computes_what_is_marked_and_stops_in_order(database: TestDatabase, services: Services) -> None:
    plant = Plant(database)
    plant.work_a_day()
    service = services.start("kpi", env={"HAIDANG_DATABASE_URL": plant.kpi_url, "HAIDANG_KPI_POLL_S": "0.1"})
    wait_until(lambda: plant.query("SELECT count(*) FROM dirty_mark") == [(0,)], timeout_s=60, what="marks answered")
    assert plant.value("good_quantity")["value"] == 2000.0
    assert service.terminate() == 0


def test_killed_in_the_middle_nothing_is_lost(database: TestDatabase, services: Services) -> None:
    plant = Plant(database)
    for day in range(3):
        plant.work_a_day(day)
    env = {"HAIDANG_DATABASE_URL": plant.kpi_url, "HAIDANG_KPI_POLL_S": "0.1", "HAIDANG_KPI_SPAN_DAYS": "1"}
    service = services.start("kpi", env=env)
    wait_until(lambda: plant.query("SELECT count(*) FROM kpi_run") != [(0,)], timeout_s=60, what="first span")
    service.kill_9()
    service.start()
    wait_until(lambda: plant.query("SELECT count(*) FROM dirty_mark") == [(0,)], timeout_s=60, what="marks answered")
    assert plant.value("good_quantity", grain="week")["value"] == 6000.0
    assert service.terminate() == 0


def test_a_database_without_our_schema_is_said_in_one_line(empty_database: TestDatabase, services: Services) -> None:
    service = services.start("kpi", env={"HAIDANG_DATABASE_URL": empty_database.url_for("haidang_kpi")})
    assert service.wait() == 1
    assert "haidang db migrate" in service.log()
    assert len(service.log().strip().splitlines()) == 1


def test_a_taken_metrics_port_is_said_in_one_line(database: TestDatabase, services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = {"HAIDANG_DATABASE_URL": database.url_for("haidang_kpi"), "HAIDANG_KPI_METRICS_PORT": port}
        service = services.start("kpi", env=env)
        assert service.wait() == 1
    assert f"127.0.0.1:{port}" in service.log()
    assert "HAIDANG_KPI_METRICS_PORT" in service.log()
    assert len(service.log().strip().splitlines()) == 1


def test_without_a_database_it_waits(services: Services) -> None:
    url = f"postgresql://haidang_kpi@127.0.0.1:{free_port()}/nothing"
    service = services.start("kpi", env={"HAIDANG_DATABASE_URL": url, "HAIDANG_LOG_FORMAT": "json"})
    wait_until(lambda: "database_away" in service.log(), timeout_s=30, what="the outage to be logged")
    assert service.is_running
    assert "Traceback" not in service.log()
    assert all(json.loads(line)["level"] in {"warning", "info"} for line in service.log().strip().splitlines())
    assert service.terminate() == 0


def test_a_wrong_setting_is_named_in_one_line(services: Services) -> None:
    service = services.start("kpi", env={"HAIDANG_DATABASE_URL": "postgresql://nowhere", "HAIDANG_KPI_POLL_S": "no"})
    assert service.wait() == 1
    assert "HAIDANG_KPI_POLL_S" in service.log()
    assert len(service.log().strip().splitlines()) == 1
