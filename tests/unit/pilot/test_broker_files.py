"""The broker's files: nothing from outside becomes a line, a wildcard or a right of its own."""

import base64
import hashlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mapping import Mapping
from pilot.broker_files import (
    acl_text,
    check_filter,
    check_name,
    check_node,
    hashed,
    new_password,
    own_hashes,
    password_text,
    rights,
)
from pilot.broker_topics import check_rights, mapped_filters
from pilot.errors import PilotError
from store.broker import BrokerAccount

EVIL = [
    "",
    "a b",
    "a\nuser ingest",
    "a\ntopic readwrite #",
    "#",
    "+",
    "a/#",
    "a/+",
    "a//b",
    "/a",
    "a/",
    "%u",
    "$SYS",
    "a:b",
]


@pytest.mark.parametrize("name", [*EVIL, "ingest", "health/x", "x" * 201])
def test_a_name_that_could_be_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(PilotError):
        check_name(name)


@pytest.mark.parametrize("field", ["site", "name", "asset_prefix", "sparkplug_node"])
@pytest.mark.parametrize("text", EVIL)
def test_a_row_that_says_such_a_thing_makes_no_file(field: str, text: str) -> None:
    if not text and field in {"asset_prefix", "sparkplug_node"}:
        return
    account = replace(BrokerAccount("plant", "plant/a", "a"), **{field: text})  # type: ignore[arg-type]
    with pytest.raises(PilotError):
        acl_text([account])


@given(st.lists(st.text(max_size=12), min_size=4, max_size=4), st.lists(st.text(max_size=20), max_size=3))
def test_every_line_of_an_access_list_is_one_that_we_write(fields: list[str], topics: list[str]) -> None:
    site, name, prefix, node = fields
    account = BrokerAccount(site, name, prefix, None, node or None, topics)
    try:
        text = acl_text([account])
    except PilotError:
        return
    own = text[len(acl_text([])) :]
    users = [line for line in own.splitlines() if line.startswith("user ")]
    assert users == [f"user {name}"]
    for line in own.splitlines():
        assert line == "" or line.startswith(("user ", "topic write ", "topic read spBv1.0/"))
        assert line not in {"topic write #", "topic write +/#", "topic read #"}


@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "+",
        "+/#",
        "a",
        "a/b\nc/d",
        "a/ b",
        "a/b#",
        "a/b+/c",
        "a/#/b",
        "haidang/v1/x/#",
        "spBv1.0/g/#",
        "$SYS/a",
        "",
    ],
)
def test_a_filter_that_reaches_too_far_is_refused(topic: str) -> None:
    with pytest.raises(PilotError):
        check_filter(topic)


@pytest.mark.parametrize("topic", ["umh/v1/acme/hcm/#", "plc7/+/raw", "meters/3"])
def test_a_filter_of_a_factory_is_taken(topic: str) -> None:
    assert check_filter(topic) == topic


@pytest.mark.parametrize("node", ["edge", "g/n/d", "g/+", "#/n", "g/ n", "g/n\n"])
def test_what_is_no_sparkplug_node_is_refused(node: str) -> None:
    with pytest.raises(PilotError):
        check_node(node)


def test_the_hash_is_the_pbkdf2_that_its_fields_say() -> None:
    _, kind, rounds, salt, digest = hashed("opensesame").split("$")
    assert kind == "7"
    made = hashlib.pbkdf2_hmac("sha512", b"opensesame", base64.b64decode(salt), int(rounds), 64)
    assert base64.b64decode(digest) == made
    assert hashed("opensesame") != hashed("opensesame")
    assert len({new_password() for _ in range(100)}) == 100


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="Mosquitto's tool is not on the path")
def test_it_has_the_form_of_mosquittos_own_tool(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(file), "me", "pw"], check=True, capture_output=True, timeout=20)
    theirs = file.read_text().strip().removeprefix("me:").split("$")
    ours = hashed("pw").split("$")
    assert theirs[:3] == ours[:3]
    assert list(map(len, theirs[3:])) == list(map(len, ours[3:]))


def test_own_services_keep_their_passwords_and_a_damaged_row_makes_no_file() -> None:
    text = password_text([BrokerAccount("plant", "plant/a", "a", hashed("x"))], {"ingest": hashed("y")})
    assert [line.split(":")[0] for line in text.splitlines()] == ["ingest", "plant/a"]
    assert list(own_hashes(text)) == ["ingest"]
    with pytest.raises(PilotError, match="rotate"):
        password_text([BrokerAccount("plant", "plant/a", "a", "$7$1$x$y\nroot:$7$1$x$y")], {})


def mapping(topic: str, asset: str, site: str = "plant") -> Mapping:
    value = {"from": "v", "name": "v", "quantity": "number"}
    document = {
        "topic": topic,
        "site": site,
        "asset": asset,
        "format": "json",
        "time": {"from": "t"},
        "values": [value],
    }
    return Mapping.model_validate(document)


@pytest.mark.parametrize(
    ("prefix", "topic", "asset", "expected"),
    [
        ("l1/u1", "m/{line}/{unit}", "{line}/{unit}", ["m/l1/u1"]),
        ("l1", "m/{line}/{unit}", "{line}/{unit}", ["m/l1/+"]),
        ("", "m/{line}/{unit}", "{line}/{unit}", ["m/+/+"]),
        ("l1/u1/x", "m/{line}/{unit}", "{line}/{unit}", []),  # the mapping speaks for more than the account may
        ("lathe-7", "m/{n}/raw", "lathe-{n}", ["m/7/raw"]),
        ("mill-7", "m/{n}/raw", "lathe-{n}", []),
        ("", "m/lathe-{n}/raw", "lathe-{n}", []),  # a wildcard would take other levels too
        ("press", "fixed/press", "press", ["fixed/press"]),
        ("other", "fixed/press", "press", []),
        ("u1", "m/{unit}/{tag...}", "{unit}", ["m/u1/#"]),
    ],
)
def test_a_mapping_gives_an_account_its_own_topics_only(
    prefix: str, topic: str, asset: str, expected: list[str]
) -> None:
    assert mapped_filters(BrokerAccount("plant", "plant/x", prefix), [mapping(topic, asset)]) == expected


def test_a_mapping_of_another_site_gives_nothing() -> None:
    account = BrokerAccount("plant", "plant", "")
    assert mapped_filters(account, [mapping("m/{u}", "{u}", "other")]) == []
    assert mapped_filters(account, [mapping("{s}/m/{u}", "{u}", "{s}")]) == ["plant/m/+"]


def test_topics_that_speak_for_another_place_are_refused() -> None:
    account = BrokerAccount("plant", "plant/press", "press", topics=("m/+/raw",))
    maps = [mapping("m/{n}/raw", "{n}")]
    with pytest.raises(PilotError, match="speak for plant/any-other, not for plant/press"):
        check_rights(account, rights(account), maps)
    assert check_rights(account, ["haidang/v1/plant/press/#", "m/press/raw"], maps) == []
    assert check_rights(account, ["unknown/x"], maps) == ["unknown/x"]
