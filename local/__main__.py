"""``python -m local demo|up|down|status|tensorboard|job``: the whole system on one machine."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from local import by_hand, curves, up
from local.demo import DemoOptions, run_demo
from local.state import DEMO, UP


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    demo = verbs.add_parser("demo", help="the whole loop once, from nothing, in a state of its own")
    demo.add_argument("--keep", action="store_true", help="leave everything running at the end")
    demo.add_argument("--report", type=Path, help="write the outcome to this file as JSON")
    start = verbs.add_parser("up", help="start the system and leave it running")
    for verb, base in ((demo, 0.25), (start, 1.0)):
        verb.add_argument("--data", type=Path, help="a catalogue in the challenge's layout; default: a generated one")
        verb.add_argument("--limit", type=_count, help="read at most this many products of it")
        verb.add_argument("--base", type=_share, default=base, help="share of its training rows: %(default)s")
    for verb, default in ((demo, DEMO), (start, UP)):
        verb.add_argument("--state", type=Path, default=default, help="the state's folder: %(default)s")
    for name, text in (("down", "stop every process"), ("status", "show every process")):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--state", type=Path, help="of this state only; default: of `up` and of a kept `demo`")
    curves_of = verbs.add_parser("tensorboard", help="show the curves of every training")
    curves_of.add_argument("--state", type=Path, default=UP, help="the state's folder: %(default)s")
    job = verbs.add_parser("job", help="run a module in the environment of a system: job -- MODULE ARGUMENTS")
    job.add_argument("--state", type=Path, default=UP, help="the state's folder: %(default)s")
    job.add_argument("command", nargs="+", metavar="MODULE ARGUMENTS")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of products, 1 or more. Received: {text!r}")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"expected a share above 0 and up to 1. Received: {text!r}")
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; 0 when it did what it says."""
    asked = _parser().parse_args(arguments)
    roots = [asked.state] if asked.state else [UP, DEMO]
    match asked.verb:
        case "demo":
            wishes = up.Wishes(asked.data, asked.limit, asked.base)
            return run_demo(DemoOptions(asked.state, wishes, asked.keep, asked.report))
        case "up":
            return up.start(asked.state, up.Wishes(asked.data, asked.limit, asked.base))
        case "down":
            return up.stop(roots)
        case "status":
            return up.show_status(roots)
        case "tensorboard":
            return curves.serve(asked.state)
        case _:
            return by_hand.run(asked.state, asked.command)


if __name__ == "__main__":
    sys.exit(main())
