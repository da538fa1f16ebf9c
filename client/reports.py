"""The monthly reports, as methods."""

from client.answers import Report
from client.asking import Asking


class Reports(Asking):
    """What ``EtalonClient`` offers about reports (reviewers)."""

    def reports(self) -> tuple[Report, ...]:
        """Every report that has been written, the newest month first."""
        return tuple(Report.from_json(item) for item in self._ask("GET", "/reports")["items"])

    def report(self, name: str) -> bytes:
        """One report as the HTML file that it is, in UTF-8; ``name`` is such as ``monthly-2026-10``."""
        return self._session.send("GET", f"/reports/{name}", repeatable=True).content
