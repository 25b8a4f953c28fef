from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from store import access
from store.errors import InvalidConfigurationError
from store.pool import connect
from tests.integration.api.conftest import Served
from tests.support.fill import OTHER_SITE, SITE

PLACES = {"kpi": "oee", "message_id": 1, "annotation_id": 1, "site": SITE}
PLACES |= {"framework_key": "x", "assessment_id": 1, "sha256": "0" * 64, "record": 0}


def test_every_route_under_v1_needs_a_key(served: Served) -> None:
    paths = {path: item for path, item in served.app.openapi()["paths"].items() if path.startswith("/v1/")}
    asked = [(method.upper(), path.format(**PLACES)) for path, item in paths.items() for method in item]
    assert len(asked) > 20
    for method, path in asked:
        answer = served.client.request(method, path, params={"site": SITE})
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("text", ["", "hd_", "hd_000000000000_" + "0" * 64, "nonsense", "hd_" + "0" * 12])
def test_a_wrong_key_opens_nothing(served: Served, text: str) -> None:
    assert served.client.get("/v1/sites", headers={"Authorization": f"Bearer {text}"}).status_code == 401


def test_the_right_prefix_with_another_secret_opens_nothing(served: Served) -> None:
    prefix = access.prefix_of(served.keys["viewer"])
    headers = {"Authorization": f"Bearer hd_{prefix}_{'0' * 64}"}
    assert served.client.get("/v1/sites", headers=headers).status_code == 401


def test_only_the_hash_of_a_secret_is_stored(served: Served) -> None:
    secret = served.keys["viewer"].rpartition("_")[2]
    with psycopg.connect(served.database.url) as connection:
        rows = connection.execute("SELECT prefix, hash FROM api_key").fetchall()
        everything = connection.execute("SELECT string_agg(k::text, ' ') FROM api_key k").fetchone()
    assert everything is not None
    assert secret not in everything[0]
    assert access.hash_secret(secret) in {bytes(row[1]) for row in rows}


def test_revoked_expired_and_disabled_keys_open_nothing(served: Served) -> None:
    with connect(served.database.url) as connection:
        revoked = access.create_key(connection, "leaver", sites=[SITE])
        expired = access.create_key(
            connection, "guest", sites=[SITE], expires_at=datetime.now(UTC) - timedelta(seconds=1)
        )
        disabled = access.create_key(connection, "gone", sites=[SITE])
    headers = {"Authorization": f"Bearer {revoked}"}
    assert served.client.get("/v1/sites", headers=headers).status_code == 200
    with connect(served.database.url) as connection:
        assert access.revoke_key(connection, str(access.prefix_of(revoked)))
        assert not access.revoke_key(connection, str(access.prefix_of(revoked)))
        connection.execute("UPDATE account SET disabled_at = now() WHERE name = 'gone'")
    for key in (revoked, expired, disabled):
        assert served.client.get("/v1/sites", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_use_of_a_key_is_noted(served: Served) -> None:
    served.client.get("/v1/sites", headers=served.headers("engineer"))
    with psycopg.connect(served.database.url) as connection:
        prefix = access.prefix_of(served.keys["engineer"])
        row = connection.execute("SELECT last_used_at FROM api_key WHERE prefix = %s", [prefix]).fetchone()
    assert row is not None
    assert row[0] is not None


def test_each_caller_sees_the_sites_it_was_granted(served: Served) -> None:
    def sites(who: str) -> list[str]:
        answer = served.client.get("/v1/sites", headers=served.headers(who))
        return [row["key"] for row in answer.json()["items"]]

    assert sites("viewer") == [SITE]
    assert sites("foreigner") == [OTHER_SITE]
    assert sites("nobody") == []
    assert sites("admin") == [OTHER_SITE, SITE]


@pytest.mark.parametrize(
    "path",
    ["assets", "kpis/oee/values", "kpis/oee/explain", "intervals", "annotations", "findings", "rejected", "ledger"],
)
def test_a_foreign_site_is_answered_like_one_that_does_not_exist(served: Served, path: str) -> None:
    def problem(site: str) -> dict[str, object]:
        answer = served.client.get(f"/v1/{path}", params={"site": site}, headers=served.headers())
        assert answer.status_code == 404
        body: dict[str, object] = answer.json()
        return {**body, "detail": str(body["detail"]).replace(site, "SITE")}

    assert problem(OTHER_SITE) == problem("no-such-site")


def test_the_database_itself_shows_nothing_outside_the_named_sites(served: Served) -> None:
    tables = ("kpi_value", "state_interval", "rejected_message")
    other = served.factory.sites[OTHER_SITE]
    with connect(served.database.url_for("haidang_api")) as connection:
        for table in tables:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        access.open_sites(connection, [other])
        for table in tables:
            assert connection.execute(f"SELECT DISTINCT site_id FROM {table}").fetchall() == [(other,)]
        connection.commit()
        for table in tables:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_the_api_cannot_write_what_it_only_reads(served: Served) -> None:
    with connect(served.database.url_for("haidang_api")) as connection:
        access.open_sites(connection, list(served.factory.sites.values()))
        for statement in (
            "DELETE FROM kpi_value",
            "UPDATE api_key SET role = 'admin'",
            "INSERT INTO grant_to_site VALUES (1, 1)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)


def test_a_key_needs_a_known_role_and_known_sites(served: Served) -> None:
    with connect(served.database.url) as connection:
        with pytest.raises(InvalidConfigurationError, match="no role 'king'"):
            access.create_key(connection, "x", role="king")
        with pytest.raises(InvalidConfigurationError, match="no site 'atlantis'"):
            access.create_key(connection, "x", sites=["atlantis"])


def test_making_and_ending_keys_is_in_the_audit_log(served: Served) -> None:
    with connect(served.database.url) as connection:
        key = access.create_key(connection, "audited", sites="all")
        prefix = access.prefix_of(key)
        access.revoke_key(connection, key)
        query = "SELECT action FROM audit_log WHERE object = %s ORDER BY audit_log_id"
        assert connection.execute(query, [prefix]).fetchall() == [("key.create",), ("key.revoke",)]
        listed = {row["prefix"]: row for row in access.list_keys(connection)}
    assert listed[prefix]["sites"] == [OTHER_SITE, SITE]
    assert listed[prefix]["revoked_at"] is not None
    assert "hash" not in listed[prefix]
