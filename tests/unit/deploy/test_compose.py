"""docker-compose.yml against the Compose specification, and against what this repository promises about it."""

import json
import re
import tomllib
from typing import Any

import pytest
from compose_spec import PyCompose
from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from ingest.settings import IngestSettings
from kpi.running.settings import KpiSettings
from maturity.settings import EvidenceSettings
from simulators.settings import PlantSettings
from tests.support import compose
from tests.support.deployed import ROOT, variables

PORTS = {
    "HAIDANG_BROKER_BIND",
    *("HAIDANG_BROKER_PORT", "HAIDANG_BROKER_CERTIFICATE_PORT", "HAIDANG_API_PORT", "HAIDANG_GRAFANA_PORT"),
}
SIZES = {"HAIDANG_INGEST_WORKERS", "HAIDANG_INGEST_SHARING"}
NAMES = {"HAIDANG_EVIDENCE_NAME"}
SECRETS = set(variables(ROOT / ".env.example")) - PORTS - SIZES - NAMES
GIVEN = dict.fromkeys(SECRETS, "s" * 64)
ONE_SHOT = {"migrate", "broker-accounts", "broker-files", "simulated-site", "tools"}

Service = dict[str, Any]
SERVICES: dict[str, Service] = compose.load(GIVEN)["services"]


@pytest.fixture(params=sorted(SERVICES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(name: str) -> Service:
    return SERVICES[name]


def test_it_is_a_compose_file_and_all_its_references_resolve() -> None:
    file = PyCompose.from_json(json.dumps(compose.load(GIVEN)))
    file.validate()
    assert set(file.service_names()) == set(SERVICES)


def test_the_validator_is_not_blind() -> None:
    broken = compose.load(GIVEN)
    broken["services"]["api"]["healthcheck"] = {"test": ["CMD", "true"], "intervall": "10s"}
    with pytest.raises(ValueError, match="intervall"):
        PyCompose.from_json(json.dumps(broken))


def test_the_services_of_the_issue_are_there() -> None:
    assert {"timescaledb", "mosquitto", "migrate", "ingest", "kpi", "evidence", "api", "grafana"} <= set(SERVICES)
    assert SERVICES["simulator"]["profiles"] == ["simulator"]
    by_default = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert by_default == {
        *("timescaledb", "broker-accounts", "broker-files", "mosquitto", "migrate", "ingest", "kpi", "evidence", "api"),
        "grafana",
    }


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_a_missing_secret_stops_it_and_says_how_to_set_it(missing: str) -> None:
    for value in ({}, {missing: ""}):
        with pytest.raises(compose.MissingVariableError, match=f"{missing}: run deploy/make-env"):
            compose.load(dict.fromkeys(SECRETS - {missing}, "s") | value)


def test_the_sample_environment_names_every_variable_and_no_secret() -> None:
    sample = variables(ROOT / ".env.example")
    assert set(sample) == set(compose.variables())
    assert {sample[name] for name in SECRETS} == {""}
    assert all(compose.variables()[name] == ":?" for name in SECRETS)
    assert all(compose.variables()[name] == ":-" for name in PORTS)


def test_every_service_has_a_health_check_or_ends_by_itself(name: str, service: Service) -> None:
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"].keys() >= {"test", "interval", "timeout", "retries", "start_period"}


def test_it_starts_in_order(name: str, service: Service) -> None:
    for needed, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
        is_extra = set(SERVICES[needed].get("profiles", [])) - set(service.get("profiles", []))
        optional = {"required": False} if is_extra else {}
        assert how == {"condition": wanted, **optional}, f"{name} on {needed}"


def test_something_that_stays_waits_for_each_that_ends() -> None:
    """Else `docker compose up --wait` takes its end for a failure."""
    awaited = {
        needed
        for service in SERVICES.values()
        if service["restart"] != "no"
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert awaited == ONE_SHOT - {"tools"}  # which is for `docker compose run` only


def test_nothing_that_reads_the_database_starts_before_it_is_migrated(name: str, service: Service) -> None:
    asks = "timescaledb:5432" in json.dumps(service.get("environment", {}))
    if asks and name != "migrate":
        assert {"timescaledb", "migrate"} <= service["depends_on"].keys()


def test_no_port_is_open_to_other_machines(service: Service) -> None:
    for port in service.get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


def test_only_the_tls_listeners_of_the_broker_are_published() -> None:
    assert SERVICES["mosquitto"]["ports"] == ["127.0.0.1:8883:8883", "127.0.0.1:8884:8884"]


def test_the_plant_network_is_reached_only_when_it_is_named() -> None:
    file = compose.load(GIVEN | {"HAIDANG_BROKER_BIND": "10.1.2.3"})
    assert file["services"]["mosquitto"]["ports"] == ["10.1.2.3:8883:8883", "10.1.2.3:8884:8884"]
    assert file["services"]["api"]["ports"] == ["127.0.0.1:8000:8000"]


def test_images_are_pinned(service: Service) -> None:
    tag = service["image"].rpartition(":")[2]
    assert re.match(r"\d+\.\d+\.\d+", tag), service["image"]


def test_our_image_carries_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert {service["image"] for service in SERVICES.values() if "build" in service} == {f"haidang:{version}"}


def test_grafana_is_of_the_release_line_that_the_boards_are_made_for() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["grafana"]
    sdk = next(each for each in extra if each.startswith("grafana-foundation-sdk")).rpartition("!")[2]
    assert SERVICES["grafana"]["image"].rpartition(":")[2].split(".")[:2] == sdk.split(".")[:2]


def test_every_container_is_confined(name: str, service: Service) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    if name != "broker-files":  # hands files to the broker's account, without a network
        assert "cap_add" not in service
        assert "build" in service or service["user"].split(":")[0] != "0"


def test_the_one_that_is_root_has_no_network() -> None:
    assert SERVICES["broker-files"]["network_mode"] == "none"


def test_each_service_connects_under_its_own_role() -> None:
    for role in ("ingest", "kpi", "evidence", "api"):
        url = SERVICES[role]["environment"]["HAIDANG_DATABASE_URL"]
        assert url.startswith(f"postgresql://haidang_{role}:")
    owners = {name for name, service in SERVICES.items() if "://postgres:" in json.dumps(service)}
    assert owners == ONE_SHOT - {"broker-files"}


def test_the_signing_key_is_made_once_and_seen_by_the_evidence_service_only() -> None:
    script = SERVICES["evidence"]["command"][0]
    assert script.startswith('test -s "$HAIDANG_SIGNING_KEY_FILE" || haidang evidence key create')
    assert script.endswith("exec python -m maturity")
    holders = {name for name, each in SERVICES.items() if "evidence_key" in json.dumps(each.get("volumes", []))}
    assert holders == {"evidence"}


def test_the_private_network_has_no_way_out() -> None:
    assert compose.load(GIVEN)["networks"]["inner"] == {"internal": True}
    outside = {name for name, service in SERVICES.items() if "outer" in service.get("networks", [])}
    assert outside == {name for name, service in SERVICES.items() if "ports" in service}


def test_mounted_files_are_in_the_repository(service: Service) -> None:
    sources = [mount.split(":")[0] for mount in service.get("volumes", []) if isinstance(mount, str)]
    for source in sources:
        if source.startswith("./") and not source.startswith("./deploy/secrets"):
            assert (ROOT / source).exists(), source


def test_grafana_finds_the_boards_where_the_provisioning_says() -> None:
    from dashboards import provisioning  # noqa: PLC0415

    mounts = SERVICES["grafana"]["volumes"]
    assert f"./dashboards/generated/boards:{provisioning.BOARDS_FOLDER}:ro" in mounts
    asked = set(re.findall(r"\$\{(\w+)\}", json.dumps(provisioning.data_sources())))
    assert asked <= SERVICES["grafana"]["environment"].keys()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ingest", IngestSettings),
        ("kpi", KpiSettings),
        ("evidence", EvidenceSettings),
        ("api", ApiSettings),
        ("simulator", PlantSettings),
    ],
)
def test_every_variable_given_to_a_service_is_a_setting_of_it(name: str, settings: type[BaseSettings]) -> None:
    known = {f"HAIDANG_{field.upper()}" for field in settings.model_fields}
    given = SERVICES[name]["environment"]
    assert given.keys() <= known
    required = {f"HAIDANG_{field.upper()}" for field, info in settings.model_fields.items() if info.is_required()}
    assert required <= given.keys()
