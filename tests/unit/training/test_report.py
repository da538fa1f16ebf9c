"""A report is one file that loads nothing, runs nothing and repeats nothing a seller sent as code."""

import re
from html.parser import HTMLParser

import numpy as np
from matplotlib.figure import Figure

from tests.toys.shop import TAXONOMY
from training.evaluate import Evaluation, evaluate
from training.report import Page, Table, render, sentences
from training.report.page import Drawing, Example

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">{{ 7 * 7 }}'


class Tags(HTMLParser):
    """Every tag with its attributes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page(words: str = "plain", photo: bytes | None = None) -> str:
    table = Table(words, words, [words], [[words]])
    example = Example(words, photo, words, words, words, "mended")
    drawing = Drawing(words, words, Figure(figsize=(1, 1)))
    return render(Page(words, words, words, [words], [table], [drawing], [example], [table]))


def scores(*, right: float, rows: int = 400, **more: np.ndarray) -> Evaluation:
    """A model that says 0.8 of every answer, and is right so often."""
    truth = np.resize(TAXONOMY.codes, rows)
    answered = np.where(np.arange(rows) < right * rows, np.arange(rows) % 3, (np.arange(rows) + 1) % 3)
    everywhere = np.ones(rows, bool)
    said = np.full((rows, 3), 0.1)
    said[np.arange(rows), answered] = 0.8
    return evaluate(truth, said, TAXONOMY.codes, has_text=everywhere, has_image=everywhere, draws=50, **more)


def test_what_a_seller_wrote_is_shown_and_never_run() -> None:
    html = page(EVIL)
    tags = Tags()
    tags.feed(html)
    assert "script" not in {tag for tag, _ in tags.found}
    assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }}" in html


def test_a_page_asks_for_nothing_from_anywhere() -> None:
    html = page()
    tags = Tags()
    tags.feed(html)
    sources = [attributes["src"] for _, attributes in tags.found if "src" in attributes]
    assert sources
    assert all(source and source.startswith("data:image/") for source in sources)
    assert not re.search(r"https?:|url\(|@import", html)
    assert "default-src 'none'" in html


def test_a_page_follows_the_readers_light_or_dark() -> None:
    assert "prefers-color-scheme: dark" in page()


def test_a_photo_that_cannot_be_read_leaves_an_empty_frame() -> None:
    assert '<span class="none">' in page(photo=b"no photo")


def test_an_honest_model_is_called_honest_and_a_boaster_is_not() -> None:
    assert "as sure as it is right" in sentences.calibration(scores(right=0.8))
    assert "surer than it is right" in sentences.calibration(scores(right=0.5))
    assert "more often right than it says" in sentences.calibration(scores(right=1.0))


def test_the_difference_to_the_champion_is_said_in_points() -> None:
    said = sentences.beside(scores(right=0.5), (0.01, 0.034, 0.06))
    assert "better by 3.4 points" in said
    assert "+1.0 and +6.0" in said
    assert "worse by 3.4" in sentences.beside(scores(right=0.5), (-0.06, -0.034, 0.01))
    assert "no different," in sentences.beside(scores(right=0.5), (-0.01, 0.0, 0.01))


def test_how_much_may_stand_is_said_only_where_something_was_promised() -> None:
    assert sentences.standing(scores(right=0.9)) is None
    assert "No answer may stand" in str(sentences.standing(scores(right=0.9, thresholds=np.full(400, np.inf))))
    assert "100.0 % of the products" in str(sentences.standing(scores(right=1.0, thresholds=np.zeros(400))))


def test_the_weakest_categories_are_named_with_their_labels() -> None:
    assert "class 10" in str(sentences.weakest(scores(right=0.5), TAXONOMY))
    assert sentences.weakest(scores(right=0.5, rows=9), TAXONOMY) is None
