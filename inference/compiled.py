"""Graphs compiled for this processor, kept between starts: a warm start reads back what a cold one worked out.

    packages/compiled/<key>/  <name>.blob  seal.json  graph.json

The key covers the graph's own hashes, OpenVINO's version, the processor and the settings, so an entry never meets
another graph or machine. The seal holds the blob's hash: what was torn or changed is compiled anew. Entries may be
shared, and deleted at any time; ``graph.json`` tells retention whose they are.
"""

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openvino as ov

from core.durable import aside_name
from core.registry.packages import COMPILED_OF, canonical_json

log = logging.getLogger(__name__)

_SEAL = "seal.json"


def compile_kept(
    core: ov.Core, xml: Path, hashes: Mapping[str, str], folder: Path, config: Mapping[str, Any]
) -> ov.CompiledModel:
    """Compile a graph for the CPU, by what ``folder`` keeps of it where that is sound, and keep it otherwise.

    What was just compiled is read back from where it was kept: that holds the weights once instead of twice. A
    folder that cannot be written to only costs the time.

    Args:
        core: OpenVINO's.
        xml: the graph; its ``.bin`` lies beside it.
        hashes: sha256 of both files by name.
        folder: of all kept graphs.
        config: how to compile.
    """
    entry = folder / _key(core, hashes, config)
    kept = _read_back(core, xml, entry, config)
    if kept is not None:
        return kept
    try:
        _keep(core, xml, entry, config, hashes)
    except OSError as error:
        log.warning("graph.not_kept", extra={"error": str(error)})
    return _read_back(core, xml, entry, config) or core.compile_model(xml, "CPU", dict(config))


def _key(core: ov.Core, hashes: Mapping[str, str], config: Mapping[str, Any]) -> str:
    described = {
        "graph": dict(hashes),
        "runtime": ov.get_version(),
        "processor": core.get_property("CPU", "FULL_DEVICE_NAME"),
        "can": sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
        "config": {name: str(value) for name, value in config.items()},
    }
    return hashlib.sha256(canonical_json(described)).hexdigest()


def _read_back(core: ov.Core, xml: Path, entry: Path, config: Mapping[str, Any]) -> ov.CompiledModel | None:
    """The kept graph; None where there is none, or its bytes are not those that were sealed."""
    if not _is_sound(entry):
        return None
    try:
        compiled = core.compile_model(xml, "CPU", {**config, "CACHE_DIR": str(entry)})
    except RuntimeError as error:
        log.warning("graph.kept_in_vain", extra={"entry": entry.name, "error": str(error)[:300]})
        return None
    return compiled if compiled.get_property("LOADED_FROM_CACHE") else None


def _is_sound(entry: Path) -> bool:
    try:
        return json.loads((entry / _SEAL).read_bytes()) == _hashes(entry)
    except (OSError, ValueError):
        return False


def _hashes(entry: Path) -> dict[str, str]:
    hashes = {}
    for path in sorted(entry.glob("*.blob")):
        with path.open("rb") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _keep(core: ov.Core, xml: Path, entry: Path, config: Mapping[str, Any], hashes: Mapping[str, str]) -> None:
    """Compile aside, seal, and move into place; of two at once the second replaces the first's equal entry."""
    aside = aside_name(entry)
    aside.mkdir(parents=True)
    try:
        core.compile_model(xml, "CPU", {**config, "CACHE_DIR": str(aside)})
        (aside / COMPILED_OF).write_text(json.dumps(dict(hashes)), encoding="utf-8")
        (aside / _SEAL).write_text(json.dumps(_hashes(aside)), encoding="utf-8")
        with contextlib.suppress(FileNotFoundError):
            entry.rename(old := aside_name(entry))
            shutil.rmtree(old)
        aside.rename(entry)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
