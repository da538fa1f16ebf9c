"""The processes that decode uploads: they answer as the code itself would, and whatever becomes of them is mended."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

import psutil
import pytest
from PIL import Image

from api import decoding
from api.decoding import DecoderDown, DecoderPool, DecodersBusy
from preprocessing.decoder import Limits
from preprocessing.images import BadImage, UndecodableImage, sanitise
from tests.toys import photos

LIMITS = Limits.for_photos(photos.MAX_BYTES, 25_000_000, 10.0)
PHOTO = photos.encode(photos.picture(), "JPEG")


@pytest.fixture
def start() -> Iterator[Callable[..., DecoderPool]]:
    pools: list[DecoderPool] = []

    def start(size: int = 1, patience_s: float = 10.0, **limits: float) -> DecoderPool:
        pools.append(DecoderPool(replace(LIMITS, **limits), size, patience_s))
        pools[-1].start()
        return pools[-1]

    yield start
    for pool in pools:
        pool.stop()
    assert decoders() == []


def decoders() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if "preprocessing.decoder" in child.cmdline()]


def test_a_decoder_answers_what_the_code_itself_answers(start: Callable[..., DecoderPool]) -> None:
    pool = start()
    known = partial(sanitise, max_bytes=LIMITS.max_bytes, max_pixels=LIMITS.max_pixels)
    for name, upload in photos.photos():
        assert pool.decode(upload) == known(upload), name
    for name, upload, code in photos.refused():
        with pytest.raises(BadImage) as refusal:
            pool.decode(upload)
        assert refusal.value.code == code, name
    assert len(decoders()) == 1


def test_damaged_photos_cost_no_decoder(start: Callable[..., DecoderPool]) -> None:
    pool = start()
    pool.decode(PHOTO)
    before, outcomes = decoders(), Counter()
    for upload in photos.damaged(400, seed=5):
        try:
            outcomes[type(pool.decode(upload)).__name__] += 1
        except BadImage as refusal:
            outcomes[refusal.code] += 1
    assert {"SanitisedImage", "image.undecodable"} <= outcomes.keys()
    assert decoders() == before


def test_it_holds_no_secret_and_can_open_nothing(
    start: Callable[..., DecoderPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_KEY", "s3ntinel" * 4)
    start().decode(PHOTO)
    (decoder,) = decoders()
    assert "AUTH_KEY" not in decoder.environ()
    assert decoder.rlimit(psutil.RLIMIT_NOFILE) == (0, 0)
    assert decoder.rlimit(psutil.RLIMIT_AS) == (LIMITS.memory_bytes, LIMITS.memory_bytes)
    assert decoder.rlimit(psutil.RLIMIT_CPU)[0] <= 13
    assert os.getsid(decoder.pid) == decoder.pid


def test_an_upload_that_takes_too_much_memory_is_refused_and_the_next_is_not(
    start: Callable[..., DecoderPool],
) -> None:
    pool = start(memory_bytes=200 * 1024 * 1024)
    with pytest.raises(UndecodableImage):
        pool.decode(photos.encode(Image.new("RGB", (5000, 5000)), "WEBP"))
    assert pool.decode(PHOTO).width == 60


def test_an_upload_that_takes_too_long_is_refused_and_no_other_notices(start: Callable[..., DecoderPool]) -> None:
    pool = start(size=2, timeout_s=3.0)
    with all_stopped(2) as stopped, ThreadPoolExecutor(2) as clients:
        answers = [clients.submit(pool.decode, PHOTO) for _ in range(2)]
        time.sleep(0.3)
        stopped[0].resume()
    assert {type(answer.exception()) for answer in answers} == {UndecodableImage, type(None)}
    assert [pool.decode(PHOTO).width for _ in range(4)] == [60] * 4
    assert len(decoders()) == 2


def test_a_decoder_that_dies_while_it_decodes_is_replaced_and_the_upload_answered(
    start: Callable[..., DecoderPool],
) -> None:
    pool = start()
    with ThreadPoolExecutor(1) as client, all_stopped(1) as stopped:
        answer = client.submit(pool.decode, PHOTO)
        time.sleep(0.3)
        stopped[0].kill()
        assert answer.result().width == 60


def test_an_upload_that_ends_every_decoder_is_refused(
    start: Callable[..., DecoderPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = start()

    def die(self: object, upload: bytes) -> bytes:
        raise EOFError

    with monkeypatch.context() as patch:
        patch.setattr(decoding._Process, "ask", die)
        with pytest.raises(UndecodableImage):
            pool.decode(PHOTO)
    assert pool.decode(PHOTO).width == 60


def test_a_decoder_that_died_while_nobody_looked_is_replaced(start: Callable[..., DecoderPool]) -> None:
    pool = start()
    for _ in range(2):
        assert pool.decode(PHOTO).width == 60
        decoders()[0].kill()


def test_where_none_can_be_started_the_caller_is_told_to_come_back(
    start: Callable[..., DecoderPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("/nowhere/python", "/bin/false"):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", program)
            pool = start()
            with pytest.raises(DecoderDown):
                pool.decode(PHOTO)
        assert pool.decode(PHOTO).width == 60


def test_who_would_wait_too_long_for_a_decoder_is_told_to_come_back(start: Callable[..., DecoderPool]) -> None:
    pool = start(patience_s=0.1)
    with ThreadPoolExecutor(1) as client, all_stopped(1):
        first = client.submit(pool.decode, PHOTO)
        time.sleep(0.3)
        with pytest.raises(DecodersBusy):
            pool.decode(PHOTO)
    assert first.result().width == 60


def test_a_decoder_is_relieved_after_so_many_uploads(
    start: Callable[..., DecoderPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_UPLOADS_EACH", 2)
    pool, seen = start(), set()
    for _ in range(6):
        seen.update(decoder.pid for decoder in decoders())
        pool.decode(PHOTO)
    assert len(seen) == 3


def test_decoders_end_when_the_service_is_killed() -> None:
    script = (
        "import os, signal\n"
        "from api.decoding import DecoderPool\n"
        "from preprocessing.decoder import Limits\n"
        "from tests.toys import photos\n"
        f"pool = DecoderPool({LIMITS!r}, 1, 10.0)\n"
        "pool.start()\n"
        "pool.decode(photos.encode(photos.picture(), 'JPEG'))\n"
        "print(pool._free.queue[0]._process._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    deadline = time.monotonic() + 10
    while is_running(int(killed.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@contextmanager
def all_stopped(count: int) -> Iterator[list[psutil.Process]]:
    """Every decoder of this process, warm and standing still; it goes on afterwards."""
    deadline = time.monotonic() + 20
    while len(found := [one for one in decoders() if one.rlimit(psutil.RLIMIT_CORE) == (0, 0)]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)  # confined: it says so next
    for decoder in found:
        decoder.suspend()
    yield found
    for decoder in found:
        with suppress(psutil.NoSuchProcess):
            decoder.resume()


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"ok",
        b"ok\n",
        b"ok\n" + photos.encode(photos.picture(), "PNG"),
        b"ok\n" + photos.encode(Image.new("L", (5001, 5000)), "JPEG"),
        b"refused s3ntinel\n" + b"x" * 10**6,
        b"\xff" * 1000,
    ],
    ids=lambda lie: repr(lie[:20]),
)
def test_a_decoder_that_lies_refuses_an_upload_and_nothing_more(lie: bytes) -> None:
    with pytest.raises(BadImage) as refusal:
        decoding._read(lie, LIMITS)
    assert len(str(refusal.value)) <= 200
