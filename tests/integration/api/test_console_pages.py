"""The console without a browser: signing in, languages, empty states, escaping."""

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.sessions import COOKIE, login_link
from store.access import create_key, prefix_of, revoke_key
from store.pool import connect
from tests.integration.api.conftest import DAY, SECRET, Served, settings_for
from tests.support.database import TestDatabase
from tests.support.fill import OTHER_SITE, SITE

BASE = "http://testserver"


@pytest.fixture
def visitor(served: Served) -> TestClient:
    """A browser that is signed in as an engineer."""
    client = TestClient(served.app, headers={"Accept-Language": "vi"})
    assert client.post("/login", data={"key": served.keys["engineer"]}).status_code == 200
    return client


def token_of(served: Served, who: str = "engineer") -> str:
    return login_link(SECRET, BASE, served.keys[who]).partition("token=")[2]


def test_who_is_not_signed_in_is_sent_to_the_login_page(served: Served) -> None:
    client = TestClient(served.app, follow_redirects=False)
    for path in ("/", "/console/live", f"/console/timeline?site={SITE}&day={DAY}"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_a_key_opens_a_session_that_scripts_cannot_read(served: Served) -> None:
    client = TestClient(served.app, follow_redirects=False)
    answer = client.post("/login", data={"key": f" {served.keys['engineer']} "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    assert served.keys["engineer"].rpartition("_")[2] not in cookie


def test_behind_tls_the_session_never_leaves_it(served: Served) -> None:
    client = TestClient(served.app, base_url="https://testserver", follow_redirects=False)
    answer = client.post("/login", data={"key": served.keys["engineer"]})
    assert "Secure" in answer.headers["set-cookie"]


def test_a_wrong_key_opens_no_session(served: Served) -> None:
    client = TestClient(served.app)
    answer = client.post("/login", data={"key": "hd_nonsense"})
    assert answer.status_code == 401
    assert COOKIE not in client.cookies
    assert client.post("/login", data={}).status_code == 401


def test_a_login_link_signs_in_once(served: Served) -> None:
    token = token_of(served)
    first = TestClient(served.app, headers={"Accept-Language": "en"})
    assert f'value="{token}"' in first.get(f"/login?token={token}").text
    assert f'value="{token}"' in first.get(f"/login?token={token}").text  # looking does not use it up
    assert first.post("/login", data={"token": token}).url.path == "/"
    second = TestClient(served.app, headers={"Accept-Language": "en"})
    refused = second.post("/login", data={"token": token})
    assert refused.status_code == 401
    assert "used already" in refused.text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_form_of_another_site_is_refused(served: Served, headers: dict[str, str]) -> None:
    client = TestClient(served.app, headers=headers)
    for path in ("/login", "/logout"):
        assert client.post(path, data={"key": served.keys["engineer"]}).status_code == 403
    own = TestClient(served.app, headers={"Origin": BASE, "Sec-Fetch-Site": "same-origin"})
    assert own.post("/login", data={"key": served.keys["engineer"]}).status_code == 200


def test_a_huge_form_is_refused(served: Served) -> None:
    assert TestClient(served.app).post("/login", data={"key": "x" * 10_000}).status_code == 413


def test_the_session_ends_with_its_key(served: Served) -> None:
    with connect(served.database.url) as connection:
        key = create_key(connection, "short", sites=[SITE])
    client = TestClient(served.app, follow_redirects=False)
    client.post("/login", data={"key": key})
    assert client.get("/").status_code == 200
    assert client.get("/v1/sites").status_code == 200
    with connect(served.database.url) as connection:
        revoke_key(connection, str(prefix_of(key)))
    assert client.get("/").status_code == 303
    assert client.get("/v1/sites").status_code == 401


def test_signing_out_ends_the_session_of_the_browser(visitor: TestClient) -> None:
    assert visitor.post("/logout").url.path == "/login"
    assert visitor.get("/").url.path == "/login"


def test_both_languages(visitor: TestClient) -> None:
    vietnamese = visitor.get("/").text
    assert '<html lang="vi">' in vietnamese
    assert "Trạng thái máy hiện tại" in vietnamese
    assert "74,8\N{NO-BREAK SPACE}%" in vietnamese
    english = visitor.get("/?lang=en").text
    assert "Machines now" in english
    assert "74.8%" in english
    assert "Machines now" in visitor.get("/").text  # it is remembered


def test_a_day_long_past_is_shown_and_called_so(visitor: TestClient) -> None:
    page = visitor.get("/").text
    assert f'data-day="{DAY}"' in page
    assert "Hôm nay chưa có số liệu" in page
    assert "ngày trước" in page


def test_another_day_can_be_asked_for(visitor: TestClient) -> None:
    before = DAY - timedelta(days=1)
    page = visitor.get(f"/?day={before}").text
    assert f'data-day="{before}"' in page
    assert "73,8\N{NO-BREAK SPACE}%" in page


def test_a_day_without_values_leads_to_one_that_has_them(visitor: TestClient) -> None:
    page = visitor.get("/?day=2020-01-01").text
    assert "không có số liệu" in page
    assert f"day={DAY}" in page


def test_what_has_no_value_is_a_dash_with_its_reason(visitor: TestClient) -> None:
    page = visitor.get("/").text
    cell = re.search(
        r'data-kpi="oee" data-asset="hall/line1/capper" data-raw="" data-status="(\w+)">(.*?)<', page, re.DOTALL
    )
    assert cell is not None
    assert cell.groups() == ("no_ideal_cycle", "—")
    assert "chưa có chu kỳ chuẩn" in page


def test_a_payload_is_text_never_markup(visitor: TestClient) -> None:
    page = visitor.get("/").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(visitor: TestClient) -> None:
    page = visitor.get("/").text
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"\sstyle=|\son[a-z]+=", page)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


def test_a_foreign_site_is_a_page_that_says_so(visitor: TestClient) -> None:
    answer = visitor.get(f"/?site={OTHER_SITE}", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "Trang này không tồn tại" in answer.text


def test_a_day_that_is_none_is_422(visitor: TestClient) -> None:
    assert visitor.get("/?day=tomorrow").status_code == 422


def test_static_files_may_be_kept_and_nothing_else_is_served(served: Served) -> None:
    answer = served.client.get("/static/console.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    for name in ("nothing.css", "..%2Frender.py", "%2e%2e/texts/vi.yaml"):
        assert served.client.get(f"/static/{name}").status_code == 404


def test_a_key_without_sites_is_told_what_to_do(served: Served) -> None:
    client = TestClient(served.app, headers={"Accept-Language": "en"})
    page = client.post("/login", data={"key": served.keys["nobody"]}).text
    assert "haidang site apply" in page


def test_a_site_without_values_is_told_what_to_do(database: TestDatabase) -> None:
    with connect(database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('new', 'New', 'Asia/Ho_Chi_Minh')")
        key = create_key(connection, "x", role="admin")
    with TestClient(create_app(settings_for(database)), headers={"Accept-Language": "en"}) as client:
        page = client.post("/login", data={"key": key}).text
    for sentence in (
        "no KPI values yet",
        "haidang kpi run --site new",
        "No machine has reported",
        "No message has been",
    ):
        assert sentence in page
