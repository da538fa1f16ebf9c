"""``python -m core.retention``: which folders of the store hold more than ``STORE_KEEP_BUDGETS_GIB`` gives them.

The last line on standard output is one JSON object. Exit 0: one does. 99: none. 1: failed, said on standard error.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from core.logging import configure_logging
from core.retention.inventory import held_by
from core.retention.rules import over_budget
from core.settings import RetentionSettings, StoreSettings

NOTHING_TO_DO = 99


def main(arguments: Sequence[str] | None = None) -> int:
    """Look; returns the exit status."""
    argparse.ArgumentParser(prog="python -m core.retention", description=__doc__).parse_args(arguments)
    configure_logging()
    try:
        held = held_by(StoreSettings().root)
    except OSError as error:
        print(f"looking failed: {error}", file=sys.stderr)
        return 1
    exceeded = over_budget(held, RetentionSettings().budgets)
    told = ", ".join(f"{name} {_gib(one['bytes'])} of {_gib(one['budget'])} GiB" for name, one in exceeded.items())
    print(json.dumps({"over_budget": exceeded, "told": told, "held": held}))
    return 0 if exceeded else NOTHING_TO_DO


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"


if __name__ == "__main__":
    sys.exit(main())
