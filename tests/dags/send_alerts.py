# ruff: noqa: T201 - what it prints is its result
"""Run as a process: send the alerts that the environment asks for, outside a run, and print what went wrong."""

import sys
from types import SimpleNamespace


def main(folder: str, longest_s: float = 0.2) -> None:
    """Send one alert to each place, waiting no longer than ``longest_s`` for each."""
    sys.path.insert(0, folder)
    from alerts import alerts
    from notifiers import prompt

    prompt.LONGEST_S = longest_s
    ti = SimpleNamespace(dag_id="d", task_id="t", run_id="r", try_number=1, max_tries=0, log_url="http://log")
    problems = []
    notifiers = alerts("{{ 3 }} < 4", "accuracy < 0.8 & falling")
    print(f"{len(notifiers)} alerts")
    for notifier in notifiers:
        try:
            notifier({"ti": ti})
        except prompt.NotSent as problem:
            problems.append(str(problem))
    print("\n".join(problems))


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:]))
