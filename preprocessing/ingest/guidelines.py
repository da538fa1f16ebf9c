"""Guidelines come with a catalogue as its taxonomy does; they help people and nothing is computed from them."""

from pathlib import Path

from core.domain.guidelines import Guidelines
from core.domain.taxonomy import Taxonomy
from core.durable import make_folder, write_durably
from core.settings import StoreSettings

GUIDELINES = "guidelines.csv"
_DATA = Path(__file__).resolve().parents[2] / "data"


def guidelines_for(catalogue: Path, taxonomy: Taxonomy) -> Guidelines | None:
    """The catalogue's own guidelines; those of this repository where it brings none and its categories are ours.

    Returns:
        None where there are none for these categories.

    Raises:
        BadGuidelines: the catalogue's ``guidelines.csv`` cannot be one, or is about other categories.
    """
    own = catalogue / GUIDELINES
    if own.is_file():
        found = Guidelines.from_csv(own)
    elif taxonomy.version == Taxonomy.from_csv(_DATA / "taxonomy.csv").version:
        found = Guidelines.from_csv(_DATA / GUIDELINES)
    else:
        return None
    found.require_known(taxonomy.codes)
    return found


def keep_guidelines(store: StoreSettings, guidelines: Guidelines | None) -> None:
    """Put guidelines where the service reads them, in place of earlier ones; None leaves those as they are."""
    if guidelines is not None:
        write_durably(make_folder(store.root) / GUIDELINES, guidelines.to_csv().encode())
