"""A photo that nobody took."""

import struct
import zlib

_SIDE = 96  # pixels


def draw_photo(seed: int) -> bytes:
    """A small PNG, shades of a colour that ``seed`` chooses."""
    red, green, blue = (64 + (seed >> shift) % 128 for shift in (0, 7, 14))
    rows = bytearray()
    for y in range(_SIDE):
        rows.append(0)  # this row is not filtered
        for x in range(_SIDE):
            rows += bytes((red + x // 2, green + y // 2, blue + (x ^ y) // 2))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)  # 8 bits of each of three colours
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
