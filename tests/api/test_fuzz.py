"""Requests made from the document, as each role: nothing but what the document says comes back."""

import pytest

from tests.api.fuzz.running import fuzz
from tests.api.people import ROLES
from tests.api.service import Etalon


@pytest.mark.parametrize("role", ROLES)
def test_a_short_fuzzing_finds_nothing(etalon: Etalon, role: str) -> None:
    """``make api-fuzz`` is the long one."""
    found = fuzz(etalon, role, examples=3, seed=1, phases="coverage,fuzzing")
    assert found.failures == [], found.output
    assert found.cases > 500
    assert etalon.mistakes() == []
