"""What is served, and moving it, as methods."""

from typing import Any

from client.answers import Champion, Quality, Release, Retraining, Served, Trends
from client.asking import Asking, said, terms


class Models(Asking):
    """What ``EtalonClient`` offers about models; moving a release takes an admin."""

    def champion(self) -> Champion:
        """The release that is served."""
        return Champion.from_json(self._ask("GET", "/models/champion"))

    def models(self) -> Served:
        """Every model of the release that is served."""
        return Served.from_json(self._ask("GET", "/models"))

    def model(self, version: str) -> Any:
        """Everything known of one package, by its sha256 (reviewers)."""
        return self._ask("GET", f"/models/{version}")

    def evaluation(self, version: str) -> Any:
        """What a package's newest judgement measured: it and the champion of that day on the same products (reviewers).

        A ``ProblemError`` with the code ``model.not_evaluated`` where no figures are kept.
        """
        return self._ask("GET", f"/models/{version}/evaluation")

    def candidates(self, *, limit: int = 20) -> Any:
        """Packages that were made and are not served, newest first (reviewers)."""
        return self._ask("GET", "/models/candidates", params={"limit": limit})["items"]

    def releases(self, *, limit: int = 20) -> tuple[Release, ...]:
        """The newest rows of the ledger, newest first (reviewers)."""
        answer = self._ask("GET", "/models/releases", params={"limit": limit})
        return tuple(Release.from_json(item) for item in answer["items"])

    def promote(
        self,
        version: str,
        *,
        reason: str,
        expected_epoch: int,
        override: bool = False,
        idempotency_key: str | None = None,
    ) -> Release:
        """Serve a package from now on (admins).

        Args:
            version: the package's sha256.
            reason: why, for the ledger.
            expected_epoch: the epoch that was looked at; if another is served meanwhile, nothing is moved.
            override: also if the gate refused it.
            idempotency_key: a name for the request.
        """
        body = {"reason": reason, "expected_epoch": expected_epoch, "override": override}
        return self._move(f"/models/{version}/promote", body, idempotency_key)

    def rollback(self, *, reason: str, expected_epoch: int, idempotency_key: str | None = None) -> Release:
        """Serve what was served before ``expected_epoch`` (admins)."""
        body = {"reason": reason, "expected_epoch": expected_epoch}
        return self._move("/models/rollback", body, idempotency_key)

    def retrain(self, *, reason: str) -> Retraining:
        """Wish for a retraining (admins). At most one waits: a second wish is answered with the first."""
        return Retraining.from_json(self._ask("POST", "/retrain", json={"reason": reason}))

    def retraining(self) -> Retraining:
        """What became of the newest wish (reviewers)."""
        return Retraining.from_json(self._ask("GET", "/retrain"))

    def quality(self, *, kind: str | None = None, before: int | None = None, limit: int = 20) -> Quality:
        """What the watch over the model's answers has read (reviewers), newest first.

        Args:
            kind: accuracy, calibration, text or images; None: all.
            before: the ``next`` of the page before this one.
            limit: readings of a page, at most 100.
        """
        asked = said({"kind": kind, "before": before, "limit": limit})
        return Quality.from_json(self._ask("GET", "/quality", params=asked))

    def trends(self, *, days: int = 30) -> Trends:
        """What the loop did in the last ``days`` days (at most 90) and where it stands (reviewers)."""
        return Trends.from_json(self._ask("GET", "/trends", params={"days": days}))

    def _move(self, path: str, body: dict[str, Any], idempotency_key: str | None) -> Release:
        return Release.from_json(self._ask("POST", path, json=body, headers=terms(None, idempotency_key)))
