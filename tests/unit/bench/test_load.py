"""The load generator's reading of answers."""

import asyncio

import pytest

from bench.load import read_answer


def read(*raw: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Read as many answers as were put, one after the other, from one connection."""

    async def read_all() -> list[tuple[int, dict[str, str], bytes]]:
        reader = asyncio.StreamReader()
        reader.feed_data(b"".join(raw))
        reader.feed_eof()
        return [await read_answer(reader) for _ in raw]

    return asyncio.run(read_all())


def test_an_answer_ends_where_its_length_says() -> None:
    answer = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    assert read(answer, answer) == [(201, {"content-length": "5", "connection": "close"}, b"hello")] * 2


def test_an_answer_in_chunks_is_put_together() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"
    assert [(status, body) for status, _, body in read(answer, answer)] == [(200, b"abc0123456789")] * 2


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with pytest.raises(EOFError):
        read(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhel")
