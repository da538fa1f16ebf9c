"""The page of a month: one file that loads nothing, runs nothing and is the same whenever it is made of the same."""

import hashlib
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from core.db.repositories.monthly import Wish
from tests.conftest import ROOT
from tests.toys import months
from tests.toys.months import OCTOBER, accepted, facts, flow
from tests.unit.training.test_report import EVIL, Tags
from training.report.month.facts import Room
from training.report.month.page import render


@pytest.fixture(scope="module")
def html() -> str:
    return render(facts(wrong=0.3, worse={2403: 0.6}))


def test_it_asks_for_nothing_from_anywhere(html: str) -> None:
    tags = Tags()
    tags.feed(html)
    assert {"script", "link", "iframe", "form", "object", "img", "image"}.isdisjoint(tag for tag, _ in tags.found)
    assert not [one for _, attributes in tags.found for one in attributes if one.startswith("on")]
    assert not re.search(r"@import|url\((?!#)|(?:src|href)=\"(?!#)", html)
    assert "default-src 'none'" in html


def test_what_people_wrote_is_shown_and_never_run() -> None:
    labels = accepted(OCTOBER, 300, 0.2)
    page = render(
        facts(
            now=flow(OCTOBER, labels, reviewers=(EVIL, "remy")),
            labels={code: f"{code} {EVIL}" for code in months.LABELS},
            moves=[months.move(3, 4, "manual", EVIL, who=EVIL)],
            wishes=[Wish(OCTOBER.since, EVIL, EVIL)],
            feedback={EVIL: 3},
            references={EVIL: 0.5},
            rooms=[Room(EVIL, 1, 1)],
        )
    )
    tags = Tags()
    tags.feed(page)
    assert "script" not in {tag for tag, _ in tags.found}
    assert "img" not in {tag for tag, _ in tags.found}
    assert not [one for _, attributes in tags.found for one in attributes if one.startswith("on")]
    assert page.count("&lt;script&gt;") > 10
    assert "<!--" not in page
    assert "{{ 7 * 7 }}" in page


def test_it_follows_the_reader_s_light_or_dark_and_the_figures_do_too(html: str) -> None:
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    figures = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(figures) == 7
    assert all("var(--mark)" in figure for figure in figures)
    # White and black would be right in one of the two only.
    assert not [figure for figure in figures if re.search(r"#(?:fff|000)", figure)]


def test_no_two_things_in_it_have_one_id(html: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', html)) <= set(ids)


def test_the_same_month_is_the_same_file_in_another_process(html: str) -> None:
    program = (
        "import hashlib; from tests.toys.months import facts; from training.report.month.page import render;"
        "print(hashlib.sha256(render(facts(wrong=0.3, worse={2403: 0.6})).encode()).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
    )
    assert told.stdout.strip() == hashlib.sha256(html.encode()).hexdigest()


def test_the_verdict_stands_first_and_last(html: str) -> None:
    assert html.count('<p class="verdict retrain">Retrain because') == 2
    assert '<p class="verdict">No retraining needed' in render(facts())


def test_a_running_month_says_until_when_it_looked() -> None:
    now = replace(facts().now, at=OCTOBER.since.replace(day=12, hour=9))
    page = render(facts(now=now, is_over=False))
    assert "So far, until 2026-10-12 09:00 UTC." in page


def test_a_month_without_anything_has_a_page_all_the_same() -> None:
    nobody = replace(flow(OCTOBER, []), sent=[], decided=[], waiting=[])
    nothing = {"batches": [], "judgements": [], "moves": [], "wishes": [], "feedback": {}, "readings": [], "rooms": []}
    page = render(facts(now=nobody, before=replace(nobody, month=OCTOBER.before), champion=None, rows=None, **nothing))
    assert "People accepted no label." in page
    assert "nan" not in re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)


def test_categories_that_no_font_of_ours_can_write_are_drawn_by_their_code() -> None:
    assert render(facts(labels={code: f"{code} 玩具 🧸" for code in months.LABELS}))
