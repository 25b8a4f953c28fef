"""A person in a real Chromium: every number on the home page is the number that the API gives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Locator, Page, Request, expect

from api.sessions import login_link
from kpi.catalogue import CATALOGUE
from pilot.ports import LOCALHOST, free_port
from store.access import create_key
from store.pool import connect
from tests.support.database import Databases, TestDatabase
from tests.support.fill import CAPPER, FILLER, SITE, ZONE, fill, insert
from tests.support.service import Services
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_browser]

SECRET = "0123456789abcdef" * 4
# An API that takes a while to start is no fault of the page.
START_S = 60.0
DRAWN_MS = 60_000


@dataclass(frozen=True)
class Console:
    """A running API over a filled database, and a key to ask it with."""

    url: str
    key: str
    database: TestDatabase
    day: date

    def api(self, path: str, **query: Any) -> Any:
        answer = httpx.get(f"{self.url}/v1/{path}", params=query, headers={"Authorization": f"Bearer {self.key}"})
        answer.raise_for_status()
        return answer.json()

    def value(self, kpi: str, asset: str) -> Any:
        query = {"site": SITE, "asset": asset, "from": str(self.day), "to": str(self.day + timedelta(days=1))}
        (found,) = self.api(f"kpis/{kpi}/values", **query)["items"]
        return found

    def open(self, page: Page, path: str = "/") -> None:
        """Sign in by a one-time link, as `haidang demo` prints it, and go to a page."""
        page.goto(login_link(SECRET, self.url, self.key))
        page.wait_for_url(f"{self.url}/")
        page.goto(self.url + path)


@pytest.fixture(scope="module")
def console(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One service for all tests here: only the one of states adds a row, and only about what the others do not read."""
    day = datetime.now(ZONE).date() - timedelta(days=1)
    services = Services(tmp_path_factory.mktemp("console"))
    with databases.clone() as database:
        fill(database.url, day)
        with connect(database.url) as connection:
            key = create_key(connection, "test", role="engineer", sites=[SITE])
        url = serve(services, database)
        yield Console(url, key, database, day)
        services.end_all()


def serve(services: Services, database: TestDatabase) -> str:
    """Start the API as a service and return its address."""
    port = free_port()
    environment = {
        "HAIDANG_DATABASE_URL": database.url_for("haidang_api"),
        "HAIDANG_SESSION_SECRET": SECRET,
        "HAIDANG_API_PORT": str(port),
    }
    service = services.start("api", env=environment)
    wait_until(lambda: "api_listening" in service.log(), timeout_s=START_S, what="the API to listen")
    return f"http://{LOCALHOST}:{port}"


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complains of: errors of scripts, breaches of the content security policy, failed requests."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "requestfailed", lambda request: found.append(f"{request.url}: {request.failure}") if unasked(request) else None
    )
    return found


def unasked(request: Request) -> bool:
    """Leaving a page aborts what it still asks for; every other failure counts."""
    return "ERR_ABORTED" not in str(request.failure)


def number(text: str, language: str) -> float:
    """Read a shown number back."""
    thousands, decimal = (".", ",") if language == "vi" else (",", ".")
    digits = re.sub(r"[^0-9.,-]", "", text.partition("\N{NO-BREAK SPACE}")[0])
    return float(digits.replace(thousands, "").replace(decimal, "."))


def each(locator: Locator) -> list[Locator]:
    return [locator.nth(place) for place in range(locator.count())]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_kpi_on_the_page_is_the_one_of_the_api(
    console: Console, page: Page, complaints: list[str], language: str
) -> None:
    console.open(page, f"/?site={SITE}&lang={language}")
    page.locator("#oee-units").evaluate("each => each.open = true")
    shown = each(page.locator("[data-kpi]"))
    assert {one.get_attribute("data-kpi") for one in shown} >= {"oee", "oee_availability", "effectiveness", "energy"}
    assert len(shown) == 3 * 4 + 3
    for one in shown:
        kpi, asset = one.get_attribute("data-kpi") or "", one.get_attribute("data-asset") or ""
        expected = console.value(kpi, asset)
        assert one.get_attribute("data-status") == expected["status"]
        if expected["value"] is None:
            assert (one.inner_text(), one.get_attribute("data-raw")) == ("—", "")
            continue
        assert float(one.get_attribute("data-raw") or "nan") == expected["value"]
        scale = 100 if CATALOGUE[kpi].unit == "1" else 1
        assert number(one.inner_text(), language) == pytest.approx(expected["value"] * scale, rel=1e-3)
    assert complaints == []


def test_the_ledger_and_the_rejected_messages_are_those_of_the_api(console: Console, page: Page) -> None:
    console.open(page, f"/?site={SITE}")
    total = console.api("ledger", site=SITE)["total"]
    for one in each(page.locator("[data-ledger]")):
        account, _, term = (one.get_attribute("data-ledger") or "").partition(".")
        assert int(one.get_attribute("data-raw") or "-1") == total[account][term]
        assert (
            number(one.inner_text(), "en" if page.locator("html").get_attribute("lang") == "en" else "vi")
            == (total[account][term])
        )
    expect(page.locator("#ledger-balance")).to_have_attribute("data-balanced", "true")
    listed = [str(row["id"]) for row in console.api("rejected", site=SITE)["items"]]
    assert [row.get_attribute("data-rejected") for row in each(page.locator("[data-rejected]"))] == listed
    assert "<script>alert(1)</script>" in page.locator("#rejected-table").inner_text()


def test_the_timeline_is_drawn_offline_and_its_table_adds_up(
    console: Console, page: Page, complaints: list[str]
) -> None:
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(console.url) else None)
    console.open(page, f"/?site={SITE}")
    page.wait_for_selector("#timeline[data-drawn]", timeout=DRAWN_MS)
    window = {"from": str(console.day), "to": str(console.day + timedelta(days=1))}
    intervals = console.api("intervals", site=SITE, **window)["items"]
    expect(page.locator("#timeline")).to_have_attribute("data-drawn", str(len(intervals)))
    # Something is painted: the colour of production is on the canvas.
    assert page.evaluate(PAINTED, "--k-production")
    page.locator("#timeline-numbers").evaluate("each => each.open = true")
    for cell in each(page.locator("[data-seconds-of]")):
        asset, time_class = cell.get_attribute("data-asset"), cell.get_attribute("data-seconds-of")
        rows = [row for row in intervals if (row["asset"], row["time_class"]) == (asset, time_class)]
        assert float(cell.get_attribute("data-raw") or "nan") == pytest.approx(sum(row["duration_s"] for row in rows))
    assert (foreign, complaints) == ([], [])


PAINTED = """
(name) => {
  const wanted = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = wanted; probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const canvas = document.querySelector("#timeline canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) return true;
  return false;
}
"""


def test_the_page_renews_itself(console: Console, page: Page) -> None:
    console.open(page, f"/?site={SITE}&lang=en")
    tile = page.locator(f'[data-asset="{FILLER}"][data-class]')
    expect(tile).to_have_attribute("data-state", "EXECUTE")
    with psycopg.connect(console.database.url) as connection:
        now = datetime.now(UTC)
        found = connection.execute(
            "SELECT series_id, symbol_id FROM series JOIN site USING (site_id), symbol "
            "WHERE site.key = %s AND text = 'STOPPED'",
            [SITE],
        ).fetchone()
        assert found is not None
        connection.execute("SELECT ensure_partitions(%s, %s)", [now, now + timedelta(minutes=1)])
        insert(connection, "reading", {"ts": now, "series_id": found[0], "value": float(found[1])})
    expect(tile).to_have_attribute("data-state", "STOPPED", timeout=20_000)
    expect(tile).to_have_attribute("data-class", "delay")
    expect(tile).to_contain_text("Stop")


def test_a_machine_without_a_state_series_shows_its_last_interval(console: Console, page: Page) -> None:
    console.open(page, f"/?site={SITE}&lang=en")
    tile = page.locator(f'[data-asset="{CAPPER}"][data-class]')
    expect(tile).to_have_attribute("data-class", "down_no_order")
    expect(tile).to_contain_text("No order")


def test_an_outage_is_said_and_its_end_noticed(console: Console, page: Page) -> None:
    console.open(page, f"/?site={SITE}")
    expect(page.locator("#offline")).to_be_hidden()
    console.database.server.stop()
    expect(page.locator("#offline")).to_be_visible(timeout=30_000)
    console.database.server.start()
    expect(page.locator("#offline")).to_be_hidden(timeout=30_000)


def test_day_site_and_language_are_chosen_on_the_page(console: Console, page: Page) -> None:
    console.open(page, f"/?site={SITE}&lang=vi")
    before = console.day - timedelta(days=1)
    page.locator("#day").fill(str(before))
    page.wait_for_url(re.compile(f"day={before}"))
    expect(page.locator("#shown-day")).to_have_attribute("data-day", str(before))
    page.locator("#other-language").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#shown-day")).to_have_attribute("data-day", str(before))


def test_a_phone_needs_no_sideways_scrolling(console: Console, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    console.open(page, f"/?site={SITE}")
    page.wait_for_selector("#timeline[data-drawn]", timeout=DRAWN_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_text_has_enough_contrast_and_every_table_a_caption(console: Console, page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        console.open(page, f"/?site={SITE}")
        assert page.evaluate(LOW_CONTRAST) == [], scheme
    assert page.evaluate("[...document.querySelectorAll('table')].every(each => each.caption?.textContent.trim())")
    assert page.locator("main, header").count() == 2
    assert page.locator("h1").count() == 1


# Texts whose ratio to the ground below them is under 4.5 (WCAG 2.2, AA); marks on swatches are not read.
LOW_CONTRAST = """
() => {
  const canvas = document.createElement("canvas"); canvas.width = canvas.height = 1;
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = text; paint.fillRect(0, 0, 1, 1);
    return paint.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => [r, g, b].map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const found = rgba(getComputedStyle(at).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!own || !node.offsetParent || node.closest(".swatch, .skip, #timeline, option")) continue;
    const [high, low] = [light(rgba(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push(`${node.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""


def test_the_shown_day_is_local(console: Console) -> None:
    """The fixture's day begins at local midnight, which is another UTC day: a guard for this file's own sums."""
    assert datetime.combine(console.day, time(), ZONE).astimezone(UTC).date() == console.day - timedelta(days=1)
