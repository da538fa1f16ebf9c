"""``python docker/health.py URL [COMPONENT]``: exit 0 where URL answers 200 (and says that COMPONENT is healthy).

The standard library only: a health check runs every few seconds, in every container of ours.
"""

import json
import sys
import urllib.request

TIMEOUT_S = 4.0


def main(url: str, component: str | None = None) -> None:
    """Ask once; ends with a sentence where the answer is not the wanted one."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - an address of ours
            body = answer.read()
    except OSError as error:
        sys.exit(f"{url}: {error}")
    if component is not None:
        status = (json.loads(body).get(component) or {}).get("status")
        if status != "healthy":
            sys.exit(f"{component}: {status or 'no word of it'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
