"""Which databases a file's shop is opened on."""

import pytest

# For what has nothing to do with where rows are kept, such as what a browser shows: once is enough.
same_on_any_database = pytest.mark.parametrize("database", ["sqlite"], indirect=True, scope="module")
