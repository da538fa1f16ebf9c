"""``release_notes.py VERSION``: print the changelog's section of a version; refuse one that nobody prepared."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def notes(version: str, changelog: str) -> str:
    """What the changelog says of ``version``, without its heading.

    Raises:
        ValueError: it says nothing.
    """
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    found = [body for heading, _, body in (one.partition("\n") for one in sections) if _names(heading, version)]
    if not found or not found[0].strip():
        raise ValueError(f"CHANGELOG.md has no section for {version}: rename 'Unreleased' to it and date it")
    return found[0].strip() + "\n"


def _names(heading: str, version: str) -> bool:
    return heading.split() != [] and heading.split()[0].strip("[]") == version


def main() -> None:
    """Print the notes of the version that the project has, too."""
    version = sys.argv[1]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if declared != version:
        sys.exit(f"pyproject.toml says {declared}, the tag says {version}")
    try:
        sys.stdout.write(notes(version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
