"""From hostile upload bytes to a clean photo on disk to a model's tensor: the only decode path.

Training and serving both read the *sanitised* bytes, through ``to_tensor``; two decoders would resize
the same JPEG differently.
"""

import hashlib
import io
import os
import re
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import failpoints
from core.durable import make_folder, write_durably
from core.errors import Invalid, NotFound, Unavailable
from core.store.durable import flush_again

IMAGE_SIZE = 224  # pixels
RESIZE_RULE = "fit-white-bilinear-1"

# Whole photos in memory at once, 100 MB each at 25 megapixels; more than there are cores would not be read sooner.
_PLACES = threading.BoundedSemaphore(os.cpu_count() or 1)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIGNATURES = ((b"\xff\xd8\xff", 0, "JPEG"), (b"\x89PNG\r\n\x1a\n", 0, "PNG"), (b"WEBP", 8, "WEBP"))
_LONGEST_SIDE = 65_500  # pixels; what the JPEG encoder can write
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadImage(Invalid):
    """The upload is not a photo that can be stored."""

    code = "image.invalid"


class UnsupportedFormat(BadImage):
    """The content is neither JPEG, PNG nor WEBP, whatever the file's name says."""

    code = "image.unsupported_format"


class UndecodableImage(BadImage):
    """The content starts like a photo but is cut short or damaged."""

    code = "image.undecodable"


class ImageTooLarge(BadImage):
    """The upload has more bytes than allowed."""

    code = "image.too_large"


class TooManyPixels(BadImage):
    """The header announces more pixels, or a longer side, than allowed; nothing was decoded."""

    code = "image.too_many_pixels"


class MissingImage(NotFound):
    """No stored photo has this sha256."""

    code = "image.missing"


class CorruptImage(Unavailable):
    """A stored photo's bytes no longer have the sha256 it is named by."""

    code = "image.corrupt"


@dataclass(frozen=True, slots=True)
class SanitisedImage:
    """A photo as we keep it: upright RGB JPEG without metadata.

    Attributes:
        data: JPEG bytes, quality 95, 4:4:4; the same upload always gives the same bytes.
        sha256: of ``data``, 64 hexadecimal digits.
        width: pixels, after orientation.
        height: pixels, after orientation.
    """

    data: bytes
    sha256: str
    width: int
    height: int


def sanitise(data: bytes, *, max_bytes: int, max_pixels: int) -> SanitisedImage:
    """Decode an upload completely and re-encode nothing but its pixels.

    The first frame of an animation is kept, transparency is flattened on white, EXIF orientation is
    applied, and metadata, colour profiles and trailing bytes are dropped.

    Args:
        data: the upload's bytes; its name and declared type play no part.
        max_bytes: longest upload accepted.
        max_pixels: most pixels accepted, read from the header before anything is decoded.

    Raises:
        ImageTooLarge: more than ``max_bytes``.
        UnsupportedFormat: neither JPEG, PNG nor WEBP by content.
        TooManyPixels: more than ``max_pixels`` or a side over 65,500 pixels.
        UndecodableImage: truncated or damaged anywhere, even after the header.
    """
    if len(data) > max_bytes:
        raise ImageTooLarge(f"the image may have {max_bytes} bytes. Received: {len(data)}")
    image = _decode(data, _kind(data), max_pixels)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=95, subsampling=0)
    stored = encoded.getvalue()
    return SanitisedImage(stored, hashlib.sha256(stored).hexdigest(), image.width, image.height)


def photo_size(data: bytes, max_pixels: int) -> tuple[int, int]:
    """Width and height in pixels that a sanitised photo's header announces; nothing is decoded.

    Raises:
        TooManyPixels: more than ``max_pixels``.
        UnsupportedFormat, UndecodableImage: it is no sanitised photo.
    """
    if _kind(data) != "JPEG":
        raise UnsupportedFormat("photos are kept as JPEG")
    try:
        size = Image.open(io.BytesIO(data), formats=("JPEG",)).size
    except Exception as error:  # as in ``_decode``
        raise UndecodableImage("the image is damaged") from error
    _refuse_size(*size, max_pixels)
    return size


def to_tensor(sanitised: bytes) -> NDArray[np.uint8]:
    """Fit a sanitised photo into the square that every image model takes.

    The photo is scaled to touch the square (antialiased bilinear, aspect kept), centred, padded white.

    Returns:
        ``(224, 224, 3)`` uint8, RGB.

    Raises:
        UndecodableImage: the bytes are not a complete image.
    """
    fitted = fit_photo(sanitised)
    square = Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), "white")
    square.paste(fitted, ((IMAGE_SIZE - fitted.width) // 2, (IMAGE_SIZE - fitted.height) // 2))
    return np.asarray(square)


def fit_photo(sanitised: bytes) -> Image.Image:
    """What ``to_tensor`` puts into its square, without the padding.

    Raises:
        UndecodableImage: the bytes are not a complete image.
    """
    with _PLACES:
        image = _decode(sanitised, _kind(sanitised), max_pixels=2**31)
        scale = IMAGE_SIZE / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        return image.resize((width, height), Image.Resampling.BILINEAR)


class ImageFolder:
    """Sanitised photos on disk, one file per sha256."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the photo lies, whether or not it is there.

        Raises:
            MissingImage: ``sha256`` is not 64 hexadecimal digits, so nothing can be stored under it.
        """
        if not _SHA256.fullmatch(sha256):
            raise MissingImage("photos are named by 64 hexadecimal digits")
        return self.root / sha256

    def put(self, image: SanitisedImage) -> Path:
        """Store a photo durably; storing it again makes it young again, and mends a damaged file.

        Raises:
            OSError: the disk refused; nothing is stored.
        """
        path = self.path(image.sha256)
        make_folder(self.root)
        if not self._keep(path, image.data):
            write_durably(path, image.data)
        failpoints.reach("photo.stored")
        return path

    @staticmethod
    def _keep(path: Path, data: bytes) -> bool:
        """Keep a photo that is there; False where it is not, is damaged, or was swept away in this moment."""
        try:
            if path.read_bytes() != data:
                return False
            os.utime(path)
            flush_again(path)  # its writer may have been cut short before flushing
        except FileNotFoundError:
            return False
        return True

    def require(self, sha256: str) -> None:
        """See that a photo is stored, without reading it.

        Raises:
            MissingImage: it is not there.
        """
        if not self.path(sha256).is_file():
            raise MissingImage(f"no photo {sha256}")

    def get(self, sha256: str) -> bytes:
        """Return a stored photo's bytes, checked against its name.

        Raises:
            MissingImage: it is not there.
            CorruptImage: it is there, but its bytes changed.
        """
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise MissingImage(f"no photo {sha256}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptImage(f"photo {sha256} has changed on disk")
        return data


def _kind(data: bytes) -> str:
    for signature, at, kind in _SIGNATURES:
        if data[at : at + len(signature)] == signature:
            return kind
    raise UnsupportedFormat("the image must be JPEG, PNG or WEBP")


def _decode(data: bytes, kind: str, max_pixels: int) -> Image.Image:
    """Decode every pixel of the first frame to upright RGB."""
    if kind == "WEBP":
        _refuse_size(*_webp_size(data), max_pixels)  # opening one already allocates its canvas twice
    try:
        image = Image.open(io.BytesIO(data), formats=(kind,))
        _refuse_size(*image.size, max_pixels)
        if kind == "PNG":
            _require_whole_png(data)  # the decoder stops looking as soon as it has every pixel
        image.load()
        return _flatten(_turn_upright(image))
    except (BadImage, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(f"the image may have {max_pixels} pixels") from error
    except Exception as error:  # decoders raise whatever hostile bytes drive them into
        raise UndecodableImage("the image is cut short or damaged") from error


def _refuse_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels or max(width, height) > _LONGEST_SIDE:
        raise TooManyPixels(
            f"the image may have {max_pixels} pixels and sides of {_LONGEST_SIDE}. Received: {width} × {height}"
        )


def _require_whole_png(data: bytes) -> None:
    """See that every chunk is there to the last one, and that those which make the picture are unharmed."""
    view, at, kind = memoryview(data), len(_SIGNATURES[1][0]), b""
    while kind != b"IEND":
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise UndecodableImage("the image is cut short")
        makes_the_picture = kind[:1].isupper()
        if makes_the_picture and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise UndecodableImage("the image is damaged")
        at = end


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read a WEBP's canvas from its first chunk: lossy, lossless or extended."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise UndecodableImage("the image is cut short")
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG))
    except Exception:  # damaged metadata is no reason to refuse whole pixels
        turn = None
    return image if turn is None else image.transpose(turn)


def _flatten(image: Image.Image) -> Image.Image:
    """Return plain RGB pixels: transparency on white, 16-bit grey scaled, nothing attached."""
    if image.mode.startswith("I"):  # 16-bit grey: a plain conversion would clip all but the darkest
        image = Image.fromarray((np.asarray(image).clip(0, 0xFFFF) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        return flat
    flat = image if image.mode == "RGB" else image.convert("RGB")
    flat.info = {}  # the encoder would copy a comment from here
    return flat
