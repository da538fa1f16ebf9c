"""``python -m local.sample --out FOLDER``: write the sample catalogue; the last line on stdout is JSON."""

import argparse
import json
import sys
import time
from pathlib import Path

from local.sample.catalogue import FolderTaken, write_catalogue
from local.sample.recipe import read_recipe
from local.sample.vocabulary import read_vocabulary


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when the catalogue is there, 2 when the folder is taken or an argument is wrong."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    try:
        recipe = read_recipe(seed=options.seed, train=options.train, incoming=options.incoming)
        receipt = write_catalogue(options.out, recipe, read_vocabulary(recipe.words), _report)
    except (FolderTaken, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(
        json.dumps(
            {
                "out": str(options.out),
                "seed": recipe.seed,
                "train": recipe.train,
                "incoming": recipe.incoming,
                "written": receipt["written"],
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.sample", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write; must be empty or absent")
    parser.add_argument("--seed", type=int, help="another draw from the same market (default: data/sample.toml)")
    parser.add_argument("--train", type=int, help="products in X_train_update.csv")
    parser.add_argument("--incoming", type=int, help="products in X_test_update.csv")
    return parser


def _report(done: int, total: int) -> None:
    print(f"sample: {done} of {total} products", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
