"""What the shop of these tests sells: all 27 categories, and a model that knows each by a few words."""

from core.domain.taxonomy import Taxonomy
from tests.conftest import ROOT
from tests.integration.api import packaged

TAXONOMY = (ROOT / "data" / "taxonomy.csv").read_text(encoding="utf-8")


def known_words() -> dict[int, str]:
    """The words of each category: its two labels, and before them the titles that the API's tests use."""
    return {
        category.code: f"{packaged.KNOWN.get(category.code, '')} {category.label} {category.label_fr}".strip()
        for category in Taxonomy.parse(TAXONOMY)
    }
