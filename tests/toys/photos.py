"""Photos that must be taken and uploads that must not, all drawn here: nothing is downloaded."""

import io
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

MAX_BYTES = 10 * 1024 * 1024
PAYLOAD = b"<script>s3ntinel()</script>"
GPS_DATE = "2026:01:02"
_KINDS = ("JPEG", "PNG", "WEBP")
_UNDO = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # by EXIF orientation: the transposition that it asks to revert


def picture(width: int = 60, height: int = 40) -> Image.Image:
    """A smooth picture without symmetry, so that every turn shows."""
    corners = Image.frombytes(
        "RGB", (3, 2), bytes((210, 30, 40, 20, 190, 60, 30, 40, 220, 240, 230, 20, 9, 9, 9, 250, 0, 250))
    )
    return corners.resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """``image`` as a file of Pillow's ``kind``."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def turned(orientation: int, kind: str = "PNG") -> bytes:
    """``picture()`` as a camera held another way stores it, with the tag that says so (1–8)."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture() if orientation == 1 else picture().transpose(Image.Transpose(_UNDO[orientation]))
    return encode(stored, kind, exif=exif)


def photos() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every upload that is taken."""
    for kind in _KINDS:
        yield kind, encode(picture(), kind)
        yield f"1×1 {kind}", encode(Image.new("RGB", (1, 1)), kind)
        for orientation in range(1, 9):
            yield f"{kind} turned {orientation}", turned(orientation, kind)
    yield "progressive JPEG", encode(picture(), "JPEG", progressive=True)
    yield "lossless WEBP", encode(picture(), "WEBP", lossless=True)
    for mode, kind in (("CMYK", "JPEG"), ("L", "JPEG"), ("P", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP")):
        yield f"{mode} {kind}", encode(picture().convert(mode), kind)
    yield "16-bit PNG", encode(picture().convert("I").point(lambda shade: shade * 256).convert("I;16"), "PNG")
    yield "palette with a transparent entry", encode(picture().convert("P"), "PNG", transparency=0)
    yield "65,500×1 PNG", encode(Image.new("RGB", (65_500, 1)), "PNG")
    for kind in ("PNG", "WEBP"):
        yield f"animated {kind}", encode(picture(), kind, save_all=True, append_images=[picture().rotate(90)])
    yield (
        "two photos in one, as telephones take them",
        encode(picture(), "MPO", save_all=True, append_images=[picture()]),
    )
    yield from _with_payloads()


def _with_payloads() -> Iterator[tuple[str, bytes]]:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[29] = GPS_DATE
    exif[0x010E] = PAYLOAD.decode()
    yield (
        "JPEG with a place, a comment and a profile",
        encode(picture(), "JPEG", exif=exif, comment=PAYLOAD, icc_profile=PAYLOAD),
    )
    yield "JPEG and a script", encode(picture(), "JPEG") + PAYLOAD
    yield "JPEG and an archive", encode(picture(), "JPEG") + b"PK\x03\x04" + PAYLOAD
    yield "WEBP and a page", encode(picture(), "WEBP", exif=exif) + PAYLOAD
    whole = encode(picture(), "PNG")
    text = chunk(b"tEXt", b"Comment\0" + PAYLOAD)
    yield "PNG with a text and a script", whole[:33] + text + whole[33:] + PAYLOAD


def refused() -> Iterator[tuple[str, bytes, str]]:
    """Name, bytes and problem code of every upload that is not taken."""
    no_photo = {
        "one byte": b"\xff",
        "text": b"s3ntinel " * 100,
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='s3ntinel()'/>",
        "PDF": b"%PDF-1.7\n" + PAYLOAD,
        "ZIP": b"PK\x03\x04" + PAYLOAD,
        "GIF": encode(picture(), "GIF"),
        "TIFF": encode(picture(), "TIFF"),
    }
    for name, data in no_photo.items():
        yield name, data, "image.unsupported_format"
    for kind in _KINDS:
        whole = encode(picture(), kind)
        for tenth in range(1, 10):
            yield f"{tenth} tenths of a {kind}", whole[: len(whole) * tenth // 10], "image.undecodable"
        yield f"{kind} without its last byte", whole[:-1], "image.undecodable"
    for part in (b"IHDR", b"PLTE", b"IDAT"):
        yield f"PNG with a wrong checksum of its {part.decode()}", _wrong_checksum(part), "image.undecodable"
    bomb = encode(Image.new("1", (13_000, 13_000)), "PNG")
    yield "13,000×13,000 PNG, whole", bomb, "image.too_many_pixels"
    yield "65,535×1 PNG", encode(Image.new("L", (65_535, 1)), "PNG"), "image.too_many_pixels"
    yield "10 MiB and a byte", encode(picture(), "JPEG").ljust(MAX_BYTES + 1, b"\0"), "image.too_large"


def damaged(count: int, seed: int) -> Iterator[bytes]:
    """Photos with bytes changed, cut out and put in; a PNG's checksums are made right again more often than not."""
    rng = random.Random(seed)
    whole = [upload for _, upload in photos() if len(upload) < 100_000]
    for _ in range(count):
        upload = bytearray(rng.choice(whole))
        for _ in range(rng.choice((1, 1, 3, 10))):
            at = rng.randrange(len(upload))
            upload[at : at + rng.choice((0, 1, 1, 4, 40))] = rng.choice(
                (b"", b"\xff", b"\xff" * 4, rng.randbytes(1), whole[0][:99])
            )
            upload = upload or bytearray(1)
        yield bytes(_with_right_checksums(upload) if rng.random() < 0.7 else upload)


def _with_right_checksums(upload: bytearray) -> bytearray:
    at = 8
    while upload.startswith(b"\x89PNG") and at + 12 <= len(upload):
        end = at + 12 + int.from_bytes(upload[at : at + 4], "big")
        if end > len(upload):
            break
        upload[end - 4 : end] = zlib.crc32(upload[at + 4 : end - 4]).to_bytes(4, "big")
        at = end
    return upload


def _wrong_checksum(part: bytes) -> bytes:
    whole = encode(picture().convert("P"), "PNG")
    at = whole.index(part)
    end = at + 4 + int.from_bytes(whole[at - 4 : at], "big")
    return whole[:end] + bytes([whole[end] ^ 1]) + whole[end + 1 :]


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
