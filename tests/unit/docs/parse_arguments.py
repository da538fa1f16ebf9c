"""A process of its own that lets modules parse their command lines, and stops each before it does anything.

Standard input: JSON, a list of [module, arguments]. Standard output: JSON, for each what is wrong with it, or null.
"""

import argparse
import contextlib
import io
import json
import runpy
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path


class Parsed(Exception):
    """The arguments were understood."""


def stop_after_parsing() -> None:
    """Make every parser raise instead of returning to its program."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(parser: argparse.ArgumentParser, *given: object, **named: object) -> argparse.Namespace:
        parse(parser, *given, **named)
        raise Parsed

    argparse.ArgumentParser.parse_args = parse_and_stop


def complaint(module: str, arguments: list[str]) -> str | None:
    """What the module says to its arguments."""
    spec = (
        find_spec(f"{module}.__main__") if (found := find_spec(module)) and found.submodule_search_locations else found
    )
    if spec is None or spec.origin is None:
        return f"there is no {module}"
    if "argparse" not in Path(spec.origin).read_text(encoding="utf-8"):
        return f"{module} takes no arguments" if arguments else None
    said = io.StringIO()
    sys.argv = [module, *arguments]
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except Parsed:
        return None
    except SystemExit as end:
        return None if end.code in (0, None) else said.getvalue().strip()
    except Exception:
        return traceback.format_exc(limit=3)
    return f"{module} went on without parsing its arguments"


if __name__ == "__main__":
    sys.path.insert(0, "")
    stop_after_parsing()
    json.dump([complaint(module, arguments) for module, arguments in json.load(sys.stdin)], sys.stdout)
