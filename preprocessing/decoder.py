"""The process that decodes uploads: started, asked and, where an upload is its end, replaced by its parent.

``python -m preprocessing.decoder '{"max_bytes": …}'`` answers over the socket that is its standard input. It holds no
secret, can open neither file nor connection, and may use so much memory and processor time; its parent watches the
clock. What it sends is plain bytes: a decoder that an upload has taken over can lie about uploads, and nothing else.

A frame is four bytes of length, then so many bytes. The decoder sends ``ready``; then each frame it receives is an
upload, and each frame it sends is ``ok`` and a photo, or ``refused``, code and reason.
"""

import io
import json
import math
import resource
import socket
import sys
import time
from dataclasses import asdict, dataclass

from PIL import Image, MpoImagePlugin, TiffImagePlugin  # noqa: F401 - the plugins: loaded before files are out of reach

from preprocessing.images import BadImage, UndecodableImage, sanitise

READY = b"ready"
_BASE_BYTES = 256 * 1024 * 1024  # address space of the interpreter, its libraries, an upload and its photo
_BYTES_PER_PIXEL = 24  # address space; a turned WEBP with transparency takes 21.4, other photos less
_ENCODED_BYTES_PER_PIXEL = 3  # of a stored photo; pure noise takes 2.4
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What one upload may cost.

    Attributes:
        max_bytes: longest upload.
        max_pixels: most pixels its header may announce.
        timeout_s: longest time from the first byte sent to the last received.
        memory_bytes: most address space of a decoder.
    """

    max_bytes: int
    max_pixels: int
    timeout_s: float
    memory_bytes: int

    @classmethod
    def for_photos(cls, max_bytes: int, max_pixels: int, timeout_s: float) -> "Limits":
        """Limits with the memory that every photo of so many pixels can be decoded in."""
        return cls(max_bytes, max_pixels, timeout_s, _BASE_BYTES + _BYTES_PER_PIXEL * max_pixels)

    @property
    def max_answer_bytes(self) -> int:
        """Longest frame that a decoder may send."""
        return 1024 * 1024 + _ENCODED_BYTES_PER_PIXEL * self.max_pixels

    def to_json(self) -> str:
        """The decoder's only argument."""
        return json.dumps(asdict(self))


def send_frame(channel: socket.socket, content: bytes, *, deadline: float | None = None) -> None:
    """Send one frame by ``deadline`` (monotonic; None: whenever).

    Raises:
        TimeoutError: the other side does not read.
        OSError: the other side is gone.
    """
    channel.settimeout(_left(deadline))
    channel.sendall(len(content).to_bytes(_LENGTH_BYTES, "big"))
    channel.settimeout(_left(deadline))
    channel.sendall(content)


def receive_frame(channel: socket.socket, max_bytes: int, *, deadline: float | None = None) -> bytes:
    """Receive one frame by ``deadline`` (monotonic; None: whenever).

    Raises:
        TimeoutError: it is not complete by then.
        EOFError: the other side is gone, or announces more than ``max_bytes``.
        OSError: the connection broke.
    """
    length = int.from_bytes(_receive(channel, _LENGTH_BYTES, deadline), "big")
    if length > max_bytes:
        raise EOFError(f"a frame of {length} bytes")
    return bytes(_receive(channel, length, deadline))


def _receive(channel: socket.socket, size: int, deadline: float | None) -> bytearray:
    content, received = bytearray(size), 0
    while received < size:
        channel.settimeout(_left(deadline))
        count = channel.recv_into(memoryview(content)[received:])
        if count == 0:
            raise EOFError("the other side is gone")
        received += count
    return content


def _left(deadline: float | None) -> float | None:
    """Seconds until ``deadline``; never 0, which would mean not to wait at all."""
    return None if deadline is None else max(0.001, deadline - time.monotonic())


def _warm_up(limits: Limits) -> None:
    """Decode a dot of every kind: from here on nothing has to be loaded."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP"):
        dot = io.BytesIO()
        Image.new("RGBA" if kind == "PNG" else "RGB", (1, 1)).save(dot, kind, exif=exif)
        sanitise(dot.getvalue(), max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)


def _confine(limits: Limits) -> None:
    """No more memory than one photo takes, nothing opened, no core dump. macOS knows no limit on address space."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _wind_clock(limits: Limits) -> None:
    """The system ends a decode that outlives its parent's patience, even where there is no parent any more."""
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + limits.timeout_s) + 1, hard))


def _answer(upload: bytes, limits: Limits) -> bytes:
    try:
        photo = sanitise(upload, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)
    except BadImage as refusal:
        return f"refused {refusal.code}\n{refusal}".encode()
    except MemoryError:
        return f"refused {UndecodableImage.code}\nthe image takes too much memory to decode".encode()
    return b"ok\n" + photo.data


def main() -> None:
    """Decode until the parent goes away."""
    limits = Limits(**json.loads(sys.argv[1]))
    channel = socket.socket(fileno=0)
    _warm_up(limits)
    _confine(limits)
    send_frame(channel, READY)
    while True:
        try:
            upload = receive_frame(channel, limits.max_bytes)
            _wind_clock(limits)
            send_frame(channel, _answer(upload, limits))
        except (EOFError, ConnectionError):
            return


if __name__ == "__main__":
    main()
