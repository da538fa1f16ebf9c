import io
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.store.rows import COLUMNS, BadRows, TrainingRow, decode_rows, encode_rows

ROW = TrainingRow("p1", "", "Livre", "", 10, "", "base", "train", "c1", "", "", "")
NASTY = [
    "NA",
    "null",
    "",
    "  ",
    "nan",
    'a "b", c',
    "x\r\ny",
    "\r",
    "\n",
    "=1+1",
    "é ❤ 👩‍👩‍👧",
    "\u2028\x85\x0b",
    "\x00",
    "﻿bom",
    ",",
]


def roundtrip(rows: list[TrainingRow]) -> list[TrainingRow]:
    return decode_rows(b"".join(encode_rows(rows)), "products.csv")


def test_the_columns_stand_in_the_agreed_order() -> None:
    assert ",".join(COLUMNS) == (
        "product_id,prediction_id,designation,description,prdtypecode,image_sha256,source,split,cluster,"
        "reviewer,validated_at,model_version_shown"
    )


@given(st.lists(st.tuples(st.text(), st.text(), st.integers(-(10**12), 10**12))))
def test_any_text_survives_the_file(products: list[tuple[str, str, int]]) -> None:
    rows = [replace(ROW, designation=one, description=two, prdtypecode=code) for one, two, code in products]
    assert roundtrip(rows) == rows


def test_words_that_look_like_missing_values_stay_words() -> None:
    rows = [replace(ROW, designation=text, description=text) for text in NASTY]
    assert roundtrip(rows) == rows


def test_pandas_reads_the_same_words() -> None:
    texts = [text for text in NASTY if "\x00" not in text]
    data = b"".join(encode_rows([replace(ROW, designation=text) for text in texts]))
    frame = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    assert frame["designation"].tolist() == texts


def test_a_row_is_one_line_that_ends_in_a_line_feed() -> None:
    assert b"".join(encode_rows([ROW])).splitlines(keepends=True)[1] == b"p1,,Livre,,10,,base,train,c1,,,\n"


def test_a_description_longer_than_the_parsers_usual_limit_is_read() -> None:
    row = replace(ROW, description="é" * 200_000)
    assert roundtrip([row]) == [row]


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"", "expected columns"),
        (b"product_id\n1\n", "expected columns"),
        (b"%s\na,b\n", "line 2: expected 12 columns"),
        (b"%s\n\n", "line 2: expected 12 columns"),
        (b"%s\na,,t,,ten,,base,train,c,,,\n", "prdtypecode is no integer"),
        (b'%s\na,,"t,,10,,base,train,c,,,\n', "unexpected end of data"),
        (b"%s\na,,\xff,,10,,base,train,c,,,\n", "can't decode"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(damaged: bytes, message: str) -> None:
    with pytest.raises(BadRows, match=message) as refused:
        decode_rows(damaged.replace(b"%s", ",".join(COLUMNS).encode()), "products.csv")
    assert "products.csv" in str(refused.value)
