"""The pages' words: the same in both languages, all of them used, and set as French printers set them."""

import re
import string
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from api.web.texts import LANGUAGES
from tests.conftest import ROOT

WEB = ROOT / "api" / "web"
NARROW, USUAL = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


def entries(language: str) -> dict[str, Any]:
    """Every text of a language by its key, ``file.entry``."""
    return {
        f"{file.stem}.{entry}": value
        for file in sorted((WEB / "texts" / language).glob("*.toml"))
        for entry, value in tomllib.loads(file.read_text(encoding="utf-8")).items()
    }


TEXTS = {language: entries(language) for language in LANGUAGES}
FILES = sorted({key.partition(".")[0] for texts in TEXTS.values() for key in texts})
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for pattern in ("**/*.py", "templates/**/*.html", "static/**/*.js")
    for path in sorted(WEB.glob(pattern))
    if "vendor" not in path.parts
}
# A key in quotes; one that ends with "_" begins the keys that a value completes, as in "review.status_" ~ status.
_NAMED = re.compile(rf"""["'`]((?:{"|".join(FILES)})\.[a-z0-9_]+)(["'`]|\$?\{{)""")


def named_keys() -> Iterator[tuple[str, str, str]]:
    """Every key that a source names: the source's name, the key, and what stands behind it."""
    for path, source in SOURCES.items():
        for key, after in _NAMED.findall(source):
            yield path.name, key, after


def forms(value: Any) -> list[str]:
    """A text, or the texts that a number chooses from."""
    return list(value.values()) if isinstance(value, dict) else [value]


def places(value: Any) -> list[set[str]]:
    """The names of the places to fill in each form."""
    return [{name for _, name, _, _ in string.Formatter().parse(form) if name} for form in forms(value)]


# --- the same in both languages ---------------------------------------------------------------------------------------


def test_both_languages_have_the_same_texts() -> None:
    assert TEXTS["en"].keys() ^ TEXTS["fr"].keys() == set()


def test_both_languages_have_the_same_places_to_fill() -> None:
    other = {key for key, value in TEXTS["en"].items() if key in TEXTS["fr"] and _differ(value, TEXTS["fr"][key])}
    assert other == set()


def _differ(english: Any, french: Any) -> bool:
    # A form for one thing may leave the number out: "the last product".
    if isinstance(english, dict) != isinstance(french, dict):
        return True
    named = [set().union(*places(value)) | ({"n"} if isinstance(value, dict) else set()) for value in (english, french)]
    return named[0] != named[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_depends_on_a_number_has_a_form_for_one_and_for_others(language: str) -> None:
    tables = {key: value for key, value in TEXTS[language].items() if isinstance(value, dict)}
    assert {key for key, value in tables.items() if value.keys() != {"one", "other"}} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_begins_or_ends_with_a_space(language: str) -> None:
    found = {key for key, value in TEXTS[language].items() for form in forms(value) if not form or form != form.strip()}
    assert found == set()


# --- used, all of them ------------------------------------------------------------------------------------------------


def test_every_text_that_a_page_names_exists() -> None:
    missing = {(source, key) for source, key, after in named_keys() if not _exists(key, after)}
    assert missing == set()


def _exists(key: str, after: str) -> bool:
    if key in TEXTS["en"]:
        return True
    is_beginning = key.endswith("_") or after.endswith("{")
    is_file_of_ours = key.rpartition(".")[2] in {"js", "css", "html", "toml", "py"}
    is_refusal = f"problems.{key.replace('.', '_')}" in refusals()
    return is_file_of_ours or is_refusal or (is_beginning and any(one.startswith(key) for one in TEXTS["en"]))


def test_every_text_is_used_by_some_page() -> None:
    named = list(named_keys())
    whole = {key for _, key, _ in named}
    beginnings = tuple(key for _, key, after in named if key.endswith("_") or after.endswith("{"))
    unused = {key for key in TEXTS["en"] if key not in whole and not key.startswith(beginnings or ("\0",))}
    assert {key for key in unused if not key.startswith("problems.")} == set()


def test_every_text_of_a_refusal_is_of_one_that_exists() -> None:
    assert {key for key in TEXTS["en"] if key.startswith("problems.")} - refusals() == set()


def refusals() -> set[str]:
    """The key of each refusal that the service knows: its code, with _ for the dot."""
    listed = re.findall(r"^\| `([a-z_.]+)`", (ROOT / "docs" / "problems.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed
    return {f"problems.{code.replace('.', '_')}" for code in listed}


# --- French -----------------------------------------------------------------------------------------------------------


def french() -> list[tuple[str, str]]:
    return [(key, form) for key, value in TEXTS["fr"].items() for form in forms(value)]


def test_french_has_a_narrow_no_break_space_before_high_punctuation() -> None:
    # A colon within a time or an address stands alone; before % and ; : ! ? that end something stands the space.
    wrong = re.compile(rf"[^{NARROW}{USUAL}\s!?:(](?:[;!?%]|:(?=\s|$))|[ {USUAL}](?=[;!?%]|:(?:\s|$))")
    assert [(key, form) for key, form in french() if wrong.search(form)] == []


def test_french_has_narrow_no_break_spaces_within_guillemets() -> None:
    wrong = re.compile(rf"«[^{NARROW}{USUAL}]|[^{NARROW}{USUAL}]»|[\"“”]")
    assert [(key, form) for key, form in french() if wrong.search(form)] == []


def test_french_has_typographic_apostrophes_and_ellipses() -> None:
    assert [(key, form) for key, form in french() if "'" in form or "..." in form] == []


def test_french_addresses_people_politely() -> None:
    assert [(key, form) for key, form in french() if re.search(r"\b(tu|toi|ton|tes)\b", form.lower())] == []
