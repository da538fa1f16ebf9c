"""``python -m api.problems``: print ``docs/problems.md``."""

import api.app  # noqa: F401 - with every room's errors
from api.problems.catalogue import as_markdown

if __name__ == "__main__":
    print(as_markdown(), end="")
