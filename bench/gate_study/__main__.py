"""``python -m bench.gate_study``: see ``study.py``, which worker processes have to find by a name of its own."""

import sys

from bench.gate_study.study import main

if __name__ == "__main__":
    sys.exit(main())
