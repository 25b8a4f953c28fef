import pytest

from api.sessions import Sessions, login_link, sign, verify

SECRET = "0123456789abcdef" * 4
KEY = f"hd_{'a' * 12}_{'b' * 64}"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_names_its_key_until_it_ends() -> None:
    clock = Clock()
    sessions = Sessions(SECRET, 1.0, clock)
    cookie = sessions.open("a" * 12)
    assert sessions.holder(cookie) == "a" * 12
    clock.now += 3601
    assert sessions.holder(cookie) is None


def test_a_changed_or_foreign_session_is_nobodys() -> None:
    sessions = Sessions(SECRET, 1.0)
    cookie = sessions.open("a" * 12)
    payload, mac = cookie.split(".")
    other = Sessions("fedcba9876543210" * 4, 1.0).open("a" * 12)
    for text in (other, payload, f"{payload}.", f"{payload[:-2]}AA.{mac}", "", ".", "ü.ü", cookie[:-1]):
        assert sessions.holder(text) is None


def test_a_login_link_carries_no_secret_and_works_once() -> None:
    link = login_link(SECRET, "http://127.0.0.1:8000/", KEY)
    assert link.startswith("http://127.0.0.1:8000/login?token=")
    assert "b" * 20 not in link
    token = link.partition("token=")[2]
    sessions = Sessions(SECRET, 1.0)
    assert sessions.redeem(token) == "a" * 12
    assert sessions.redeem(token) is None


def test_a_login_link_ends() -> None:
    clock = Clock()
    token = sign(SECRET, "login", "a" * 12, clock.now + 600)
    clock.now += 601
    assert Sessions(SECRET, 1.0, clock).redeem(token) is None


def test_a_session_is_no_login_link_and_the_other_way_round() -> None:
    sessions = Sessions(SECRET, 1.0)
    assert sessions.redeem(sessions.open("a" * 12)) is None
    assert verify(SECRET, "session", sign(SECRET, "login", "a" * 12, 9e9), 0) is None


def test_a_link_needs_a_key() -> None:
    with pytest.raises(ValueError, match="not a key"):
        login_link(SECRET, "http://127.0.0.1:8000", "hd_nonsense")
