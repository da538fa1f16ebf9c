"""A model of the family without its encoders: features in, probabilities out; and its form in a package."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.domain.product import Modality
from inference.family import EXPERTS, FEATURES, IMAGE, TEXT
from inference.fusion import LOG_LINEAR, Blend, Fusion
from inference.heads import Arrays, Head, StoredHead


@dataclass(frozen=True, slots=True)
class Inputs:
    """Products as the experts see them; row i of everything is product i.

    Attributes:
        features: by name (``inference.family.FEATURES``), ``(n, width)`` float16 each; rows without that half may
            hold anything finite, and a feature that no expert reads may be missing.
        texts: as ``preprocessing.text.compose`` returns them, "" where there is none.
        has_text: ``(n,)`` bool.
        has_image: ``(n,)`` bool.
    """

    features: Mapping[str, NDArray[np.float16]]
    texts: Sequence[str]
    has_text: NDArray[np.bool_]
    has_image: NDArray[np.bool_]

    def rows_for(self, expert: str) -> NDArray[np.intp]:
        """The rows that have something ``expert`` reads."""
        halves = EXPERTS[expert].halves
        return np.flatnonzero((self.has_text & (TEXT in halves)) | (self.has_image & (IMAGE in halves)))

    def seen_by(self, expert: str, rows: NDArray[np.intp]) -> list[str] | NDArray[np.float16]:
        """What ``expert`` reads of some rows: texts, or its features, side by side with NaN for a missing half."""
        features = EXPERTS[expert].features
        if not features:
            return [self.texts[row] for row in rows]
        if len(features) == 1:
            return self.features[features[0]][rows]
        return np.concatenate([self._or_nan(feature, rows) for feature in features], axis=1)

    def only(self, half: Modality) -> Self:
        """The same products without their other half; ``half`` is ``TEXT_ONLY`` or ``IMAGE_ONLY``."""
        hidden = np.zeros(len(self.texts), dtype=bool)
        return replace(self, has_image=hidden) if half is TEXT else replace(self, has_text=hidden)

    def _or_nan(self, feature: str, rows: NDArray[np.intp]) -> NDArray[np.float16]:
        present = (self.has_text if FEATURES[feature] is TEXT else self.has_image)[rows]
        return np.where(present[:, None], self.features[feature][rows], np.float16(np.nan))


@dataclass(frozen=True, slots=True)
class FusionModel:
    """Heads and their fusion: any model of the family, one expert alone or several.

    Attributes:
        codes: every code of the taxonomy, ascending: the columns of ``probabilities``.
        present: positions in ``codes`` of the classes that had training rows, ascending: the heads' columns. A class
            without rows has probability zero.
        heads: by expert; those that had nothing to learn from are missing.
        fusion: temperatures and blends over the heads' columns.
    """

    codes: tuple[int, ...]
    present: NDArray[np.intp]
    heads: Mapping[str, Head]
    fusion: Fusion

    def listen(self, inputs: Inputs) -> dict[str, NDArray[np.float64]]:
        """Each expert's ``(n, present classes)`` calibrated log-probabilities; equal where it has nothing to read."""
        return {expert: self._hear(expert, inputs) for expert in self.heads}

    def _hear(self, expert: str, inputs: Inputs) -> NDArray[np.float64]:
        rows = inputs.rows_for(expert)
        said = np.full((len(inputs.texts), len(self.present)), -np.log(len(self.present)))
        if len(rows):
            said[rows] = self.fusion.calibrate(expert, self.heads[expert].logits(inputs.seen_by(expert, rows)))
        return said

    def fuse(self, inputs: Inputs, said: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """``(n, classes)`` probabilities over ``codes``; a row without a blend gets all present classes equally."""
        fused = np.full((len(inputs.texts), len(self.present)), 1 / len(self.present))
        blends = np.array([modality or "" for modality in self.modalities(inputs)], dtype=str)
        for modality in self.fusion.blends:
            rows = np.flatnonzero(blends == modality)
            if len(rows):
                fused[rows] = self.fusion.fuse(modality, {expert: each[rows] for expert, each in said.items()})
        probabilities = np.zeros((len(fused), len(self.codes)))
        probabilities[:, self.present] = fused
        return probabilities

    def fuse_alone(
        self, half: Modality, inputs: Inputs, said: Mapping[str, NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """The same as ``fuse`` with the other half of every product hidden.

        Only experts that read both halves are asked again; the others said in ``said`` what they say of this one.
        """
        seen = inputs.only(half)
        asked = [expert for expert in self._needed_for(half) if len(EXPERTS[expert].halves) > 1]
        return self.fuse(seen, {**said, **{expert: self._hear(expert, seen) for expert in asked}})

    def _needed_for(self, half: Modality) -> tuple[str, ...]:
        return self.fusion.blends[half].experts if half in self.fusion.blends else ()

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        """``(n, classes)`` calibrated probabilities, columns in the order of ``codes``, rows summing to 1."""
        return self.fuse(inputs, self.listen(inputs))

    def modalities(self, inputs: Inputs) -> list[Modality | None]:
        """The halves that each row is answered from; None where nothing it has was learnt from."""
        halves = zip(inputs.has_text, inputs.has_image, strict=True)
        return [self.fusion.blend_for(has_text=bool(text), has_image=bool(image)) for text, image in halves]

    @property
    def halves(self) -> frozenset[Modality]:
        """``TEXT_ONLY``, ``IMAGE_ONLY`` or both: what its experts read."""
        return frozenset(half for expert in self.heads for half in EXPERTS[expert].halves)

    @property
    def present_codes(self) -> tuple[int, ...]:
        """The code of each of the heads' columns."""
        return tuple(self.codes[place] for place in self.present)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return every array to package, by dotted name."""
        arrays = {
            f"{expert}.{name}": it for expert, head in self.heads.items() for name, it in head.to_arrays().items()
        }
        for modality, blend in self.fusion.blends.items():
            arrays |= {f"fusion.{modality}.weight": blend.weight, f"fusion.{modality}.bias": blend.bias}
        return arrays

    def to_spec(self) -> dict[str, Any]:
        """Return what ``spec.json`` says beside the arrays; JSON-able."""
        heads = {expert: spec for expert, head in self.heads.items() if (spec := head.to_spec())}
        return {
            "codes": list(self.codes),
            "present": self.present.tolist(),
            "lexical": heads.pop("lexical", None),
            **({"heads": heads} if heads else {}),
            "temperatures": {expert: self.fusion.temperatures[expert] for expert in self.heads},
            "floor": self.fusion.floor,
            "blends": {modality.value: _blend_spec(blend) for modality, blend in self.fusion.blends.items()},
        }

    @classmethod
    def from_package(cls, spec: Mapping[str, Any], arrays: Arrays, file: Callable[[str], Path]) -> Self:
        """Read back what ``to_spec`` and ``to_arrays`` returned; ``file`` finds a file of the package.

        Raises:
            KeyError, TypeError, ValueError: it is not that, or names an expert that this code does not know.
            CorruptPackage: a file that a head needs is missing.
        """
        heads = {expert: _read_head(expert, spec, arrays, file) for expert in spec["temperatures"]}
        blends = {Modality(name): _read_blend(name, blend, arrays) for name, blend in spec["blends"].items()}
        fusion = Fusion(dict(spec["temperatures"]), float(spec["floor"]), blends)
        return cls(tuple(spec["codes"]), np.array(spec["present"], dtype=np.intp), heads, fusion)


def _read_head(expert: str, spec: Mapping[str, Any], arrays: Arrays, file: Callable[[str], Path]) -> Head:
    own = {name.removeprefix(f"{expert}."): array for name, array in arrays.items() if name.startswith(f"{expert}.")}
    described = spec["lexical"] if expert == "lexical" else spec.get("heads", {}).get(expert, {})
    return EXPERTS[expert].head.from_stored(StoredHead(own, described, file))


def _blend_spec(blend: Blend) -> dict[str, Any]:
    """``kind`` is left out where it is the usual one, as in packages from before there were others."""
    kind = {} if blend.kind == LOG_LINEAR else {"kind": blend.kind}
    return {"experts": list(blend.experts), "temperature": blend.temperature, **kind}


def _read_blend(name: str, blend: Mapping[str, Any], arrays: Arrays) -> Blend:
    weight, bias = arrays[f"fusion.{name}.weight"], arrays[f"fusion.{name}.bias"]
    return Blend(tuple(blend["experts"]), weight, bias, float(blend["temperature"]), blend.get("kind", LOG_LINEAR))
