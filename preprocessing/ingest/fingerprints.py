"""What makes two products copies of one another: the same words, the same photo, or nearly so.

    t:  all of its words, but for case, accents and punctuation
    v:  the telling words of its title, where there are enough: the same product in another size or colour
    i:  its sanitised photo, byte by byte
    p:  itself, for a product that has neither words nor a photo

Products that share a fingerprint are copies. ``v:`` and ``i:`` may also be *near* another one: each has a signature,
whose keys find candidates in an index and whose content decides. Nothing of a signature can be read back as text.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.clusters import Signature, fingerprint
from preprocessing.images import fit_photo
from preprocessing.ingest import near_photos, near_titles
from preprocessing.text import normalised

_log = logging.getLogger(__name__)
_PROGRESS_EVERY = 10_000  # signatures
_COMPARE = {near_titles.RULE: near_titles.are_near, near_photos.RULE: near_photos.are_near}


@dataclass(frozen=True, slots=True)
class Marks:
    """A product's fingerprints, at least one, and the signatures of those that can be near others."""

    fingerprints: tuple[str, ...]
    signatures: Mapping[str, Signature] = field(default_factory=dict)


def sign_photo(sanitised: bytes) -> Signature | None:
    """The signature of a sanitised photo, None where it shows too little to be compared.

    Raises:
        UndecodableImage: the bytes are not a complete image.
    """
    return near_photos.sign_photo(fit_photo(sanitised))


def marks_of(
    product_id: str,
    designation: str,
    description: str | None,
    image_sha256: str | None,
    photo: Signature | None,
) -> Marks:
    """The product's marks; ``image_sha256`` and ``photo`` are those of its sanitised photo."""
    fingerprints: list[str] = []
    signatures: dict[str, Signature] = {}
    if words := normalised(designation, description):
        fingerprints.append(fingerprint("t", words))
    telling = near_titles.telling_words(designation)
    if title := near_titles.sign_title(telling):
        fingerprints.append(fingerprint("v", " ".join(sorted(telling))))
        signatures[fingerprints[-1]] = title
    if image_sha256:
        fingerprints.append(f"i:{image_sha256}")
        if photo:
            signatures[fingerprints[-1]] = photo
    return Marks(tuple(fingerprints) or (fingerprint("p", product_id),), signatures)


def near_ones(mark: Signature, candidates: Mapping[str, bytes]) -> list[str]:
    """Those of the candidates (fingerprint to content, of the same rule) that are near."""
    if not candidates:
        return []
    found = _COMPARE[mark.rule](mark.content, list(candidates.values()))
    return [other for other, near in zip(candidates, found, strict=True) if near]


def find_near(signatures: Mapping[str, Signature]) -> list[tuple[str, str]]:
    """Every pair of fingerprints that are near one another and have a key in common.

    Memory and time grow with the products and with how alike they are, not with their square.
    """
    buckets: defaultdict[int, list[str]] = defaultdict(list)
    pairs: list[tuple[str, str]] = []
    for done, (mark, signature) in enumerate(sorted(signatures.items()), start=1):
        candidates = dict.fromkeys(other for key in signature.keys for other in buckets[key])
        pairs += [
            (other, mark) for other in near_ones(signature, {other: signatures[other].content for other in candidates})
        ]
        for key in signature.keys:
            buckets[key].append(mark)
        if done % _PROGRESS_EVERY == 0 or done == len(signatures):
            _log.info("import.compared", extra={"done": done, "of": len(signatures), "near": len(pairs)})
    return pairs
