"""Uploads that are no photos, or are photos made to hurt; every one of them is refused."""

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image


def all_of_them(photo: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each.

    Args:
        photo: a good JPEG.
    """
    yield "no bytes", b""
    yield "one byte", b"\xff"
    yield "text", b"s3ntinel " * 100
    yield "SVG with a script", b"<svg xmlns='http://www.w3.org/2000/svg' onload='s3ntinel()'/>"
    yield "PDF", b"%PDF-1.7\n%s3ntinel\n%%EOF"
    yield "ZIP", b"PK\x03\x04s3ntinel"
    yield "a program", b"\x7fELF\x02\x01\x01" + b"\x00" * 200
    yield "HTML", b"<!doctype html><script>s3ntinel()</script>"
    for kind in ("GIF", "BMP", "TIFF", "ICO"):
        yield f"a good {kind}", drawn(kind)
    for kind in ("JPEG", "PNG", "WEBP"):
        yield f"only the first bytes of a {kind}", drawn(kind)[:12]
        yield from _cut(kind)
    yield "a PNG with a wrong checksum", _wrong_checksum(drawn("PNG"))
    yield "a PNG of 13,000 × 13,000", png_header(13_000, 13_000)
    yield "a PNG of 65,535 × 65,535", png_header(65_535, 65_535)
    yield "a PNG of 0 × 0", png_header(0, 0)
    yield "a PNG of 2³¹ - 1 × 1", png_header(2**31 - 1, 1)
    yield "a PNG whose text chunk is a bomb", _text_bomb()
    yield "a JPEG whose picture is zeros", photo[:200] + bytes(len(photo) - 200)
    yield "10 MiB and a byte", photo + bytes(10 * 1024 * 1024 + 1 - len(photo))


def drawn(kind: str) -> bytes:
    """A small good picture in a format of Pillow's."""
    out = io.BytesIO()
    Image.effect_noise((40, 30), 90).convert("RGB").save(out, kind)
    return out.getvalue()


def _cut(kind: str) -> Iterator[tuple[str, bytes]]:
    whole = drawn(kind)
    for tenth in range(1, 10):
        yield f"{tenth} tenths of a {kind}", whole[: len(whole) * tenth // 10]


def _wrong_checksum(png: bytes) -> bytes:
    at = png.index(b"IDAT") + 8
    return png[:at] + bytes([png[at] ^ 0xFF]) + png[at + 1 :]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, extra: bytes = b"") -> bytes:
    """A PNG that announces a size and holds one short row."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = _chunk(b"IDAT", zlib.compress(b"\x00" * 100))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + extra + rows + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    return png_header(8, 8, _chunk(b"zTXt", b"s3ntinel\x00\x00" + zlib.compress(bytes(200_000_000), 9)))
