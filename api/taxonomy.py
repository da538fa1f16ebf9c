"""The active taxonomy as a file that an import may replace while the service runs."""

import threading
from pathlib import Path

from core.domain.taxonomy import BadTaxonomy, Taxonomy
from core.errors import Unavailable


class NoTaxonomy(Unavailable):
    """No catalogue has been imported yet, so there are no categories; or the file cannot be read."""

    code = "taxonomy.missing"


class TaxonomyFile:
    """Reads ``taxonomy.csv`` again only when the file is another one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], Taxonomy] | None = None

    def current(self) -> Taxonomy:
        """The taxonomy that stands in the file now.

        Raises:
            NoTaxonomy: the file is absent or is no taxonomy.
        """
        try:
            stat = self._path.stat()
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            with self._lock:
                if self._read is None or self._read[0] != stamp:
                    self._read = (stamp, Taxonomy.from_csv(self._path))
                return self._read[1]
        except (OSError, UnicodeError, BadTaxonomy) as error:
            raise NoTaxonomy("There is no active taxonomy: import a catalogue first.") from error
