"""Photos that show the same picture: resized, compressed again, brightened, on another margin, a little cropped.

A photo is looked at three times: whole, without its outermost 3 % (as a cropped copy would show it), and cut to its
subject (what differs from the colour of its border). Of each look a perceptual hash of 256 bits gives lookup keys.
The hash alone would say too much: product photos are alike, centred on white, and of 2,186 real ones 20 pairs of
*different* products differ in at most 22 bits where copies differ in up to 23. So what the keys find is compared
point by point: the details of a 16 × 16 picture (its shapes, without its light), and its colours.

The rule has a name, and every signature carries it; what a new rule means is said in ``near_titles``.
"""

import hashlib
from collections.abc import Sequence
from functools import cache

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from scipy.ndimage import gaussian_filter

from core.domain.clusters import Signature, lookup_key

RULE = "photo-1"

_HASH_SIDE = 16  # 256 bits
_KEYS, _KEY_BITS = 4, 18  # keys a look; bits of the hash in each
_SIDE = 16  # points a side of the compared details
_TINTS = 4  # points a side of the compared colours
_LEAST_DETAIL = 32.0  # of a picture worth comparing: two grey levels a point
_WHOLE, _INNER, _SUBJECT = range(3)
_SEEN_AS = ("frame", "frame", "subject")  # looks that may meet have keys of one name
_INNER_MARGIN = 0.03
_BORDER_APART = 32  # a point this far from the border's colour, of 255, belongs to the subject
_COMPARED = ((_WHOLE, _WHOLE), (_WHOLE, _INNER), (_INNER, _WHOLE))
_FRAMES_APART, _SUBJECTS_APART = 0.02, 0.04  # 0: the same shapes, 1: nothing in common
_FRAME_TINTS_APART, _SUBJECT_TINTS_APART = 8.0, 4.0  # mean difference of the subject's chroma, of 255

_Details = NDArray[np.float32]


def sign_photo(whole: Image.Image) -> Signature | None:
    """The signature of a photo, None for one that shows next to nothing.

    Args:
        whole: RGB, as ``preprocessing.images.fit_photo`` gives it: its longer side has 224 pixels.
    """
    across, down = round(_INNER_MARGIN * whole.width), round(_INNER_MARGIN * whole.height)
    inner = whole.crop((across, down, whole.width - across, whole.height - down))
    looks = (whole, inner, _subject(_subject(whole)))
    contents = [_content(look) for look in looks]
    if None in contents:
        return None
    keys = {key for name, look in zip(_SEEN_AS, looks, strict=True) for key in _keys_of(name, look)}
    return Signature(RULE, tuple(sorted(keys)), b"".join(content for content in contents if content))


def are_near(one: bytes, others: Sequence[bytes]) -> list[bool]:
    """Whether each of the ``others`` shows the same as ``one``; all are contents of signatures."""
    (mine, my_tints), (theirs, their_tints) = _unpack([one]), _unpack(others)
    frames = np.min([1.0 - theirs[:, b] @ mine[0, a] for a, b in _COMPARED], axis=0)
    subjects = 1.0 - theirs[:, _SUBJECT] @ mine[0, _SUBJECT]
    tints = np.abs(their_tints[:, _SUBJECT] - my_tints[0, _SUBJECT]).mean(axis=1)
    near = (frames <= _FRAMES_APART) & (tints <= _FRAME_TINTS_APART)
    near |= (subjects <= _SUBJECTS_APART) & (tints <= _SUBJECT_TINTS_APART)
    return near.tolist()


def _subject(photo: Image.Image) -> Image.Image:
    """Cut off the margins that have the border's colour; a photo without a clear subject stays as it is."""
    pixels = np.asarray(photo)
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    border = tuple(int(level) for level in np.median(edges, axis=0))
    apart = ImageChops.difference(photo, Image.new("RGB", photo.size, border)).split()
    differs = np.asarray(ImageChops.lighter(ImageChops.lighter(*apart[:2]), apart[2])) > _BORDER_APART
    enough = max(2, max(photo.size) // 100)
    rows, columns = (np.flatnonzero(differs.sum(axis=axis) >= enough) for axis in (1, 0))
    if not rows.size or not columns.size:
        return photo
    top, bottom, left, right = (int(side) for side in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
    if bottom - top < photo.height // 5 or right - left < photo.width // 5:
        return photo
    return photo.crop((left, top, right, bottom))


def _content(look: Image.Image) -> bytes | None:
    """Details and colours in 288 bytes."""
    light = np.asarray(look.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    details = light - gaussian_filter(light, 1.0, mode="nearest")
    if np.linalg.norm(details) < _LEAST_DETAIL:
        return None
    tints = np.asarray(look.convert("YCbCr").resize((_TINTS, _TINTS), Image.Resampling.BOX))[..., 1:]
    return np.rint(details / np.abs(details).max() * 127).astype(np.int8).tobytes() + tints.tobytes()


def _unpack(contents: Sequence[bytes]) -> tuple[_Details, _Details]:
    """Details ``(n, looks, 256)``, each look's of length 1, and tints ``(n, looks, 32)`` of 0..255, float32."""
    points, size = _SIDE * _SIDE, _SIDE * _SIDE + 2 * _TINTS * _TINTS
    packed = np.frombuffer(b"".join(contents), np.uint8).reshape(len(contents), len(_SEEN_AS), size)
    details = packed[..., :points].view(np.int8).astype(np.float32)
    details /= np.linalg.norm(details, axis=-1, keepdims=True)
    return details, packed[..., points:].astype(np.float32)


def _keys_of(name: str, look: Image.Image) -> list[int]:
    bits = imagehash.phash(look, hash_size=_HASH_SIDE).hash.ravel()
    chosen = (bits[_bits_of_key(number)] for number in range(_KEYS))
    return [lookup_key(RULE, name, str(number), np.packbits(key).tobytes().hex()) for number, key in enumerate(chosen)]


@cache
def _bits_of_key(number: int) -> NDArray[np.intp]:
    """Which bits of the hash a key reads: drawn once and for all, by a hash of their places."""
    drawn = sorted(range(_HASH_SIDE**2), key=lambda bit: hashlib.sha256(f"{RULE} {number} {bit}".encode()).digest())
    return np.array(drawn[:_KEY_BITS])
