"""From figures, tables and sentences to one self-contained HTML file. Everything is escaped; nothing is a script."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

_THUMBNAIL = 112  # pixels, the longer side
PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: a heading, one sentence on how to read it, names of columns, rows of text."""

    heading: str
    about: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with its heading and one sentence on how to read it."""

    heading: str
    about: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Example:
    """A product of which two models say different things.

    Attributes:
        title: as the seller wrote it.
        photo: bytes of its photo, None where it has none.
        before: what the champion says, with its confidence.
        after: what the challenger says.
        truth: what a person accepted.
        verdict: "mended", "broken" or "still wrong".
    """

    title: str
    photo: bytes | None
    before: str
    after: str
    truth: str
    verdict: str

    @property
    def thumbnail(self) -> str | None:
        """The photo as a small data URI; None where there is none or it cannot be read."""
        return _thumbnail(self.photo) if self.photo else None


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, from top to bottom.

    Attributes:
        title: of the page.
        subtitle: which model, which rows, when.
        badge: the decision in a word; "" for none.
        conclusions: sentences in plain English, most important first.
        tables: shown before the figures.
        drawings: figures.
        examples: products of which two models say different things.
        details: tables of which few readers need every line: folded.
    """

    title: str
    subtitle: str
    badge: str
    conclusions: Sequence[str]
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    examples: Sequence[Example] = ()
    details: Sequence[Table] = ()


def render(page: Page) -> str:
    """The whole HTML file."""
    figures = [(one.heading, one.about, _png(one.figure)) for one in page.drawings]
    return PAGES.get_template("page.html.j2").render(page=page, figures=figures)


def _png(figure: Figure) -> str:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=90)
    return _data_uri("image/png", out.getvalue())


def _thumbnail(photo: bytes) -> str | None:
    try:
        with Image.open(io.BytesIO(photo)) as image:
            small = image.convert("RGB")
            small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    except OSError:
        return None
    out = io.BytesIO()
    small.save(out, "JPEG", quality=70)
    return _data_uri("image/jpeg", out.getvalue())


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
