"""``python -m client VERB``: the service from a shell. Answers are JSON on standard output.

The address comes from ETALON_URL; who asks from ETALON_API_KEY, or from ETALON_USER and ETALON_PASSWORD (any secret
also from a file: ETALON_API_KEY_FILE, ETALON_PASSWORD_FILE). A password on a command line is readable by every process
on the machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence

import httpx

from client.batch import Stopped
from client.client import EtalonClient
from client.command import accounts, check, models, products, reports, review
from client.command.credentials import NotSet, credentials
from client.command.verbs import Verbs
from client.errors import ProblemError

_PATIENCE = {"attempts": 20, "longest_wait_s": 120.0}  # nobody waits at a batch


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m client", description=__doc__.partition("\n\n")[2])
    verbs = Verbs(parser)
    for room in (products, review, models, reports, accounts, check):
        room.add(verbs)
    return parser


def main(arguments: Sequence[str] | None = None, transport: httpx.BaseTransport | None = None) -> int:
    """Ask the service; 0 with the answer on standard output, 1 with the problem on standard error, 130 when stopped."""
    asked = _parser().parse_args(arguments)
    url = os.environ.get("ETALON_URL", "http://127.0.0.1:8000")
    patience = _PATIENCE if getattr(asked, "source", None) else {}
    try:
        if hasattr(asked, "alone"):  # a verb with accounts and an output of its own
            return int(asked.alone(asked, transport))
        who = credentials(os.environ) if asked.signed_in else {}
        with EtalonClient(url, **who, **patience, transport=transport) as client:
            print(json.dumps(asked.run(client, asked), ensure_ascii=False, indent=2))
    except NotSet as missing:
        print(missing, file=sys.stderr)
        return 1
    except (ProblemError, Stopped, httpx.TransportError, OSError, ValueError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
