"""Texts that have broken somebody's software: made from Unicode's own tables and from known families, always the same.

``texts()`` gives more than 500 different ones. Each says nothing of where it may stand; ``shows_nothing`` and a
field's length do.
"""

import random
import unicodedata
from collections.abc import Iterator
from functools import cache

_SEED = 20_261_121
_BLOCK = 0x100  # code points
_BLOCKS = 170
_SCRIPTS_END = 0x32400  # the planes that hold letters
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")

_TABLES = [
    "=1+1", "=HYPERLINK(\"http://x\")", "+1", "-1", "-1+1", "@SUM(A1:A9)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1",
    "=cmd|' /C calc'!A0", "%0A=1", ";=1", ",=1", "\"=1\"", "'=1", "=\"a\"\"b\"", "=1\u0000", "＝1+1", "＋1", "－1",
    "＠SUM(A1)", "|id", "==", "=", "+", "-", "@", "'", "a,b", "a;b", "a\tb", "a\"b", "\"", "\"\"", "\"\"\"", "a\",\"b",
    ",", ",,,,", "\\", "\\\"", "\\N", "\\n", "a\\", "a\nb", "a\r\nb", "a\rb", "\n", "\r\n", "\r", "a\n", "\na",
    "a\n\n\nb", "a\"\nb\",c", "#comment", "\ufeffa,b",
]  # fmt: skip
_HOLES = [
    "NA", "N/A", "#N/A", "n/a", "nan", "NaN", "-nan", "null", "NULL", "Null", "None", "none", "nil", "undefined",
    "<NA>", "", " ", "true", "True", "FALSE", "yes", "inf", "-Infinity", "1e999", "1E5", "0x10", "0b1", "0o7", "007",
    "-0", "0.0", "1,000", "1 000", "1.000,00", "٣", "１２", "½", "²", "9007199254740993", "1" * 400, "-1e-400", "1_000",
    "1/2", "3:15", "2026-01-01", "01/02/03", "1st", "24:60:60", "0000-00-00", "MARCH1", "SEPT2",
]  # fmt: skip
_MARKUP = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "</textarea><b>", "<!--",
    "-->", "<![CDATA[x]]>", "&lt;b&gt;", "&amp;amp;", "&#0;", "&#x202e;", "javascript:alert(1)", "data:text/html,<b>",
    "\"><script>", "' onmouseover='alert(1)", "`${alert(1)}`", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "{% raw %}", "{0}", "{!r}", "{__class__}", "%s%s%n", "%d", "%(name)s", "$HOME", "$(id)", "`id`", "; rm -rf /",
    "| cat", "&& id", "a\x1b[31mred", "\x1b]0;title\x07", "**bold**", "[a](javascript:x)", "<?xml version='1.0'?>",
    "<!ENTITY a 'b'>",
]  # fmt: skip
_QUERIES = [
    "'", "''", "\"'", "' OR '1'='1", "'; DROP TABLE prediction; --", "1; SELECT 1", "/* */", "--", "#", "%", "_",
    "\\%", "\\'", "a\\'b", "\x1a", "\x08", "';--\u0000", "UNION SELECT NULL", "\u02bc OR 1=1", "admin'--",
    "{\"$gt\": \"\"}", "*", "(|(a=b))", "..", "../../etc/passwd", "..\\..\\boot.ini", "/dev/null", "C:\\con",
    "nul.txt", "file:///etc/passwd", "~root", "a/b", "http://169.254.169.254/", "\\\\host\\share",
    "a\n{\"event\": \"request.failed\"}", "{\"a\": 1}", "[1]", "\\u0000", "\\ud800", "%00", "%C0%AE",
    "a%0d%0aSet-Cookie: x=1", "a\u2028b", "a\u2029b", "a\u0085b",
]  # fmt: skip
_SHAPES = [
    "\u202eevil\u202c", "\u2066a\u2069", "a\u200fb", "\u061ca", "\u200b", "\u200b\u200d\u2060\ufeff\u00ad", "\ufeff",
    "\ufeffa", "a\ufeff", "\u3164", "\u115f\u1160", "\u2800", "\uffa0", "\u00a0", "\u3000\u2003", "\u202e\u2066",
    "\u00ad", "\u034f", "a\u00adb", "z\u0338\u0327\u031ba\u0335l\u0336g\u0337o\u0338" * 4, "a" + "\u0301" * 60,
    "\u0301", "\u20dd", "e\u0301", "\u00e9", "A\u030a", "\u212b", "\u00c5", "\ufb01", "fi", "\u1e9e", "ß", "ẞ", "İ",
    "ı", "i\u0307", "ſ", "\u212a", "ǆ", "ΰ", "ς", "Σ", "ﷺ", "\u0958", "가", "\u1100\u1161",
    "👩\u200d👩\u200d👧\u200d👦",
    "🏳\ufe0f\u200d🌈", "🇫🇷🇩🇪", "🇫", "👍🏿", "1\ufe0f\u20e3", "\u2764\ufe0e", "\u2764\ufe0f",
    "🏴\U000e0067\U000e0062\U000e007f", "\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\U0010ffff", "\ue000",
    "\U000f0000", "\ufffd", "\ufffc", "\ufff9a\ufffab\ufffb", "\u0600", "раураl", "аdmin", "admin\u200b", "ａｄｍｉｎ",
    "𝒶𝒹𝓂𝒾𝓃", "Ａ", "ⓐ", "١٢٣", "ﻻ", "שָׁלוֹם", "مرحبا بالعالم", "क्षि", "நி", "ไทย", "日本語", "𠮷野家", "𓀀", "🦊", " a",
    "a ", "  a  b  ", "\ta", "a\t", "\x0b", "\x0c", "a\x0bb", "a\x7fb", "\x01", "\x1f", "a\u0000b", "\u0000",
    "a\u0000",
]  # fmt: skip
_LENGTHS = ["x" * 63, "x" * 64, "x" * 65, "x" * 255, "x" * 256, "x" * 499, "x" * 500, "x" * 501, "x" * 1000, "x" * 1001]
_LONG = [
    "é" * 500,
    "🦊" * 500,
    "é" * 1000,
    "🦊" * 1000,
    "a " * 250,
    "\u0301" * 500,
    "日" * 999,
    "=" * 300,
    '"' * 300,
    "\n" * 300,
]
_LONGER = ["y" * 4999, "y" * 5000, "y" * 5001, "🦊" * 5000, "🦊" * 5001, "\r\n" * 2500, "<b>" * 1500]


@cache
def texts() -> tuple[str, ...]:
    """Every one of them, none twice."""
    known = (*_TABLES, *_HOLES, *_MARKUP, *_QUERIES, *_SHAPES, *_LENGTHS, *_LONG, *_LONGER)
    return tuple(dict.fromkeys([*known, *_by_category(), *_by_block(), *_mixed()]))


def shows_nothing(text: str) -> bool:
    """Whether a reader would see nothing: blanks, controls, marks that need a letter do not count as such."""
    return all(unicodedata.category(char)[0] in "CZ" or char in BLANK_LETTERS for char in text)


def _by_category() -> Iterator[str]:
    """Three texts of characters of each general category; surrogates are no characters."""
    rng = random.Random(_SEED)
    members: dict[str, list[str]] = {}
    for point in (*range(0x3000), *range(0xA000, 0xD7FF), *range(0xE000, 0x20000, 7)):
        members.setdefault(unicodedata.category(chr(point)), []).append(chr(point))
    for category in sorted(members.keys() - {"Cs"}):
        known = [char for char in members[category] if char != "\u0000"]
        for length in (1, 7, 30):
            yield "".join(rng.choices(known, k=length))


def _by_block() -> Iterator[str]:
    """A text of assigned characters of each of many blocks, all over the planes."""
    rng = random.Random(_SEED + 1)
    starts = [start for start in range(_BLOCK, _SCRIPTS_END, _BLOCK) if not 0xD800 <= start < 0xE000]
    for start in sorted(rng.sample(starts, _BLOCKS)):
        assigned = [chr(at) for at in range(start, start + _BLOCK) if unicodedata.category(chr(at)) != "Cn"]
        if assigned:
            yield "".join(rng.choices(assigned, k=12))


def _mixed() -> Iterator[str]:
    """Characters of anywhere beside each other, as no writer would put them."""
    rng = random.Random(_SEED + 2)
    for _ in range(60):
        points = (rng.choice((rng.randrange(1, 0xD800), rng.randrange(0xE000, 0x110000))) for _ in range(20))
        yield "".join(map(chr, points))
