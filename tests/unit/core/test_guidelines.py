"""Guidelines: read and written without loss, refused where nobody could see them, and ours are fit to be read."""

import re
from pathlib import Path

import pytest

from core.domain.guidelines import BadGuidelines, Guideline, Guidelines
from core.domain.taxonomy import Taxonomy
from tests.conftest import ROOT

OURS = ROOT / "data" / "guidelines.csv"
TAXONOMY = Taxonomy.from_csv(ROOT / "data" / "taxonomy.csv")
_CODE = re.compile(r"\b\d{2,4}\b")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "guidelines.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    texts = {10: Guideline('Books, "old" ones.', "Des livres,\nvieux."), 40: Guideline("Games.", "Jeux.")}
    read = Guidelines.from_csv(written(tmp_path, Guidelines(texts).to_csv()))
    assert {code: read.of(code) for code in (10, 40)} == texts
    assert read.of(50) is None


def test_a_shop_may_write_in_one_language(tmp_path: Path) -> None:
    found = Guidelines.from_csv(written(tmp_path, "prdtypecode,en\n10,Bücher.\n")).of(10)
    assert found == Guideline("Bücher.", "Bücher.")


@pytest.mark.parametrize(
    "text",
    [
        "code,en\n10,Books.\n",
        "prdtypecode,fr\n10,Livres.\n",
        "prdtypecode,en\nten,Books.\n",
        "prdtypecode,en\n10, \n",
        "prdtypecode,en\n10,a\n10,b\n",
        f"prdtypecode,en\n10,{'x' * 1001}\n",
    ],
    ids=["no code", "no English", "no number", "no text", "a code twice", "too long"],
)
def test_a_file_that_is_no_guidelines_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadGuidelines):
        Guidelines.from_csv(written(tmp_path, text))


def test_guidelines_for_no_category_are_refused() -> None:
    with pytest.raises(BadGuidelines, match="11"):
        Guidelines({11: Guideline("?", "?")}).require_known([10, 40])


def test_every_category_of_ours_has_a_guideline_in_both_languages() -> None:
    ours = Guidelines.from_csv(OURS)
    ours.require_known(TAXONOMY.codes)
    found = [ours.of(code) for code in TAXONOMY.codes]
    assert all(one is not None and one.en != one.fr for one in found)


@pytest.mark.parametrize("code", TAXONOMY.codes)
def test_a_guideline_sends_what_does_not_belong_to_categories_that_are_there(code: int) -> None:
    guideline = Guidelines.from_csv(OURS).of(code)
    assert guideline is not None
    named = [{int(one) for one in _CODE.findall(text)} for text in (guideline.en, guideline.fr)]
    assert named[0] == named[1]
    assert named[0] <= set(TAXONOMY.codes) - {code}
    assert named[0]


@pytest.mark.parametrize("code", TAXONOMY.codes)
def test_french_guidelines_are_set_as_french_is(code: int) -> None:
    guideline = Guidelines.from_csv(OURS).of(code)
    assert guideline is not None
    assert not re.search("[^\u202f][;:!?]|['\"]|\\.\\.\\.", guideline.fr)
