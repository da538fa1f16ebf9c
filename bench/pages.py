"""The review desk in a real browser, on both databases: a very quick reviewer by keyboard.

Sixty prepared products wait. Each is looked at for half a second (``--pace 0``: not at all, which asks the service for
more than any person does), then answered as a reviewer would: Enter where the suggestion is right, 1 to 3 where another
of the top three is, else a search by the code. From the key to the frame in which the next product's heading
and photo are painted is measured inside the page. Then the database is asked what became of every key. Last, every view
is opened in a fresh browser and weighed, photos apart.

    python -m bench.pages [--products 60] [--pace 0.5]
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.tables import print_table, publish, say
from core.db.models import Verdict
from tests import mariadb
from tests.api.people import ROLES, Caller
from tests.api.service import Etalon, empty_database
from tests.pages import chromium, stock
from tests.pages.assortment import TAXONOMY
from tests.pages.stock import Good
from tests.pages.views import VIEWS, Place, seen_by_most
from tests.pages.visits import Visits
from tests.pages.weight import weight_of

WANTED_S_EACH = 1.0
WANTED_MS = 150.0
WANTED_BYTES = 200_000
_PATIENCE_MS = 30_000

# Notes when a key went down, and for each product that takes the stage the frame in which all of it was painted: two
# frames after its heading stands and its photo is complete, the first has certainly been drawn.
_CLOCK = """
window.seen = [];
let key = null;
addEventListener('keydown', (event) => { key = event.timeStamp; }, true);
const frame = () => new Promise(requestAnimationFrame);
async function note(card, since) {
  const photo = card.querySelector('img.photo');
  while (photo && !(photo.complete && photo.naturalWidth)) await frame();
  await frame();
  await frame();
  window.seen.push({ id: card.dataset.id, ms: since === null ? null : performance.now() - since });
}
addEventListener('DOMContentLoaded', () => {
  let last = null;
  const look = () => {
    const card = document.querySelector('#stage > .product');
    if (!card || card.dataset.id === last) return;
    last = card.dataset.id;
    note(card, key);
  };
  const stage = document.getElementById('stage');
  if (stage) new MutationObserver(look).observe(stage, { childList: true });
});
"""


@dataclass(frozen=True, slots=True)
class Sitting:
    """A reviewer's sitting.

    Attributes:
        seconds: from the first key until everything was saved.
        shown: ids in the order in which they were on the stage.
        waits_ms: from each key to the next product on the screen.
        keys: how often each kind of answer was given.
    """

    seconds: float
    shown: list[str]
    waits_ms: list[float]
    keys: Counter[str]


def main() -> int:
    """Measure, print and write the figures; 1 when something wanted was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=60)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds that each product is looked at")
    asked = parser.parse_args()
    path = chromium.program()
    if path is None:
        print(chromium.ADVICE, file=sys.stderr)
        return 1
    facts: dict[str, Any] = {"products": asked.products, "pace_s": asked.pace}
    wanted: dict[str, bool] = {}
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright.chromium, path)
        for name, server in databases():
            say(f"{asked.products} products on {name}")
            with opened(server) as shop:
                facts[name], shown = review(browser, shop, asked, name)
                wanted |= shown
                if name == "sqlite":
                    facts["bytes"] = weigh(browser, shop)
        browser.close()
    facts["browser"] = path
    wanted[f"every page weighs less than {WANTED_BYTES // 1000} KB without photos"] = (
        max(facts["bytes"].values()) < WANTED_BYTES
    )
    _print(facts)
    return publish("pages", facts, wanted)


def databases() -> Iterator[tuple[str, mariadb.Server | None]]:
    """SQLite, and a MariaDB of this run's own unless ``SKIP_MARIADB=1``."""
    yield "sqlite", None
    if mariadb.is_skipped():
        say(mariadb.SKIPPED)
        return
    server = mariadb.Server()
    try:
        yield "mariadb", server
    finally:
        server.stop()


@contextmanager
def opened(server: mariadb.Server | None) -> Iterator[Etalon]:
    """A running shop whose model knows the market's words."""
    with tempfile.TemporaryDirectory(prefix="etalon-pages-") as folder:
        root = Path(folder)
        [sample] = stock.goods(1)
        settings = empty_database(root, server)
        with Etalon(root, settings, sample.photo, taxonomy=TAXONOMY, known=stock.learnt_words()) as shop:
            yield shop


# --- the reviewer -----------------------------------------------------------------------------------------------------


def review(
    browser: Browser, shop: Etalon, asked: argparse.Namespace, name: str
) -> tuple[dict[str, Any], dict[str, bool]]:
    """Prepare products, sit down, and ask the database; figures, and what they had to show."""
    count = asked.products
    seller, reviewer = shop.hire("customer"), shop.hire("reviewer")
    truth = {send(shop, seller, good): good.code for good in stock.goods(count)}
    visits = Visits(browser, shop)
    page = visits(reviewer, "/review", script=_CLOCK)
    sitting = sit(page, truth, asked.pace)
    faults = visits.end()
    kept = verdicts(shop, reviewer)
    middle, late = statistics.median(sitting.waits_ms), quantile(sitting.waits_ms, 0.95)
    facts = {
        "seconds": round(sitting.seconds, 1),
        "key_to_next_ms": {"median": round(middle, 1), "p95": round(late, 1), "most": round(max(sitting.waits_ms), 1)},
        "answers": dict(sitting.keys),
        "faults": faults,
    }
    return facts, {
        f"{name}: {count} products by keyboard at {WANTED_S_EACH:.0f} a second or better": (
            sitting.seconds <= count * WANTED_S_EACH
        ),
        f"{name}: the next product is on the screen within {WANTED_MS:.0f} ms of the key (median)": middle <= WANTED_MS,
        f"{name}: every answer is in the database once, with the code that was meant": kept == truth,
        f"{name}: no product was shown twice": len(set(sitting.shown)) == len(sitting.shown) == count,
        f"{name}: the browser saw no fault": not faults,
    }


def send(shop: Etalon, seller: Caller, good: Good) -> str:
    """Have a product classified; its id."""
    files: dict[str, Any] = {"designation": (None, good.designation.encode()), "image": ("photo.jpg", good.photo)}
    if good.description:
        files["description"] = (None, good.description.encode())
    answer = shop.http.post("/predict", files=files, headers=seller.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def sit(page: Page, truth: dict[str, int], pace_s: float) -> Sitting:
    """Answer every product when it has been on the screen for ``pace_s``, until there is none."""
    answers: Counter[str] = Counter()
    started = time.monotonic()
    for number in range(1, len(truth) + 1):
        page.wait_for_function("n => window.seen.length >= n", arg=number, timeout=_PATIENCE_MS)
        page.wait_for_timeout(pace_s * 1000)
        answers[answer(page, truth)] += 1
    page.wait_for_selector("#nothing:not([hidden])", timeout=_PATIENCE_MS)
    page.wait_for_selector("#unsaved[data-count='0']", state="attached", timeout=_PATIENCE_MS)
    seconds = time.monotonic() - started
    seen = page.evaluate("window.seen")
    waits = [one["ms"] for one in seen if one["ms"] is not None]
    return Sitting(seconds, [one["id"] for one in seen], waits, answers)


def answer(page: Page, truth: dict[str, int]) -> str:
    """Give the right category by the shortest way; how."""
    card = page.evaluate("({ ...document.querySelector('#stage > .product').dataset })")
    code, top = truth[card["id"]], [int(one) for one in card["candidates"].split()]
    if code == int(card["code"]):
        page.keyboard.press("Enter")
        return "accepted"
    if code in top[:3]:
        page.keyboard.press(str(top.index(code) + 1))
        return "picked"
    page.keyboard.press("/")
    page.keyboard.type(str(code))
    page.wait_for_selector(f"#search [role=option][data-code='{code}']")
    page.keyboard.press("Enter")
    return "searched"


def verdicts(shop: Etalon, reviewer: Caller) -> dict[str, int]:
    """Code by prediction of every verdict of a reviewer.

    Raises:
        AssertionError: a prediction has two.
    """
    rows = [row for row in shop.rows(Verdict) if row.reviewer_id == reviewer.id]
    found = {row.prediction_id: row.prdtypecode for row in rows}
    assert len(found) == len(rows), "a product was decided twice"
    return found


def quantile(values: list[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


# --- weights ----------------------------------------------------------------------------------------------------------


def weigh(browser: Browser, shop: Etalon) -> dict[str, int]:
    """Bytes of every view with all that it loads but photos, in a fresh browser each."""
    people = {role: shop.hire(role) for role in ROLES}
    product = shop.predict(people["customer"])
    place = Place(shop, people, product)
    found = {}
    for view in VIEWS:
        visits = Visits(browser, shop)
        found[view.name] = weight_of(visits(people.get(seen_by_most(view)), view.address(place)))
        visits.end()
    return found


def _print(facts: dict[str, Any]) -> None:
    rows = [
        [name, f"{one['seconds']:.1f}", *(f"{one['key_to_next_ms'][key]:.0f}" for key in ("median", "p95", "most"))]
        for name, one in facts.items()
        if name in ("sqlite", "mariadb")
    ]
    print_table(["review desk", "seconds for all", "key → next, median ms", "95th percentile", "most"], rows)
    print()
    print_table(["view", "KB without photos"], [[name, f"{size / 1000:.1f}"] for name, size in facts["bytes"].items()])
    print(f"on {os.cpu_count()} cores")


if __name__ == "__main__":
    sys.exit(main())
