"""The verb ``snapshot``: one manifest for everything that a run does, however long that takes."""

from typing import Any

from core.store import manifests
from training.jobs.workplace import Workplace


def pin(workplace: Workplace, *, run_key: str) -> dict[str, Any]:
    """Name the snapshot that this run works on: the newest when it was first asked, the same ever after.

    Returns:
        ``manifest`` (None: the store is empty) and ``manifest_sha256``.

    Raises:
        CorruptManifest: it was changed after publication.
    """
    kept = workplace.runs.result(run_key, "snapshot")
    if done := kept.read():
        return done
    newest = manifests.newest(workplace.store.training)
    if newest is None:
        return {"manifest": None, "manifest_sha256": None}
    return kept.write({"manifest": newest.number, "manifest_sha256": newest.sha256})
