"""``python -m core.db migrate``: bring the database at DB_URL to the newest schema."""

import argparse
import json
from dataclasses import asdict

from core.db.migrate import migrate
from core.db.session import make_engine
from core.logging import configure_logging
from core.settings import DatabaseSettings


def main() -> None:
    """Run the command; the last line on standard output is JSON."""
    parser = argparse.ArgumentParser(prog="python -m core.db", description=__doc__)
    parser.add_argument("verb", choices=["migrate"])
    parser.parse_args()
    configure_logging()
    engine = make_engine(DatabaseSettings(), patient=True)
    try:
        done = migrate(engine)
    finally:
        engine.dispose()
    print(f"schema: {done.before or 'empty'} → {done.after} ({done.tables} tables)")
    print(json.dumps(asdict(done)))


if __name__ == "__main__":
    main()
