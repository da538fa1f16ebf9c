"""``python -m training.jobs VERB``: from encoders to a served model, and back; ``--help`` lists the verbs.

Progress goes to standard error as JSON lines; the last line on standard output is one JSON object (or ``journal``'s
table). The gate's full report stays in the run's folder, the ledger and the tracking server.
Exit 0: done. 99: nothing to do. 1: refused or failed, said on standard error, or a replay that gave another model.
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core.errors import EtalonError
from core.logging import configure_logging
from training.jobs.workplace import MODEL, Workplace

NOTHING_TO_DO, ALL = 99, "all"
_FOUND = ("epoch", "encoder", "manifest", "read")  # what a verb looked for; None: there was nothing
log = logging.getLogger(__name__)

Verb = Callable[[Workplace, argparse.Namespace], dict[str, Any]]


def main() -> int:
    """Run one verb; returns the exit status."""
    arguments = _parser().parse_args()
    configure_logging()
    workplace = Workplace.from_environment()
    try:
        result = arguments.run(workplace, arguments)
    except EtalonError as error:
        print(f"{arguments.verb} refused ({error.code}): {error}", file=sys.stderr)
        return 1
    except (SQLAlchemyError, OSError) as error:
        log.exception("jobs.failed", extra={"verb": arguments.verb})
        print(f"{arguments.verb} failed: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return 1
    finally:
        workplace.close()
    if table := result.get("table"):
        print(table, end="")
        return 0
    print(json.dumps({name: value for name, value in result.items() if name != "gate"}, ensure_ascii=False))
    if result.get("equal") is False:
        return 1
    return NOTHING_TO_DO if any(result.get(found, 0) is None for found in _FOUND) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.jobs", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add(verbs, "encoders", _encoders, "package the pretrained encoders that the settings name", "model?")
    _add(verbs, "snapshot", _snapshot, "name the newest snapshot, and the same one to this run ever after", "run_key")
    _add(verbs, "features", _features, "embed what is not in the feature cache", "manifest?", "model?", "encoders?")
    _add(verbs, "fit", _fit, "train on a snapshot and package the model", "manifest?", "run_key", "model?", "encoders?")
    tune = _add(
        verbs, "finetune", _finetune, "train an encoder on the store's products and package it", "manifest?", "run_key?"
    )
    tune.add_argument("--half", choices=("text", "image"), required=True, help="BERT or ResNet50")
    tune.add_argument("--layers", type=_count, help="train only the last so many layers or residual blocks")
    tune.add_argument("--epochs", type=_count, help="instead of the configuration's")
    tune.add_argument("--max-steps", type=_count, help="stop after so many batches; without it a later job goes on")
    scheduled = "exit 99 unless this half is among these ('text,image'; '': TRAIN_TUNE_HALVES) and has products"
    tune.add_argument("--among", metavar="HALVES", help=scheduled)
    _add(verbs, "judge", _judge, "compare a package with the champion and log both", "package", "manifest?", "run_key")
    onward = _add(verbs, "promote", _promote, "serve a package that the gate let through", "package", "run_key")
    onward.add_argument("--approve", metavar="'WHO: WHY'", help="a person's decision where the gate's was grey")
    since = onward.add_mutually_exclusive_group()
    moved = "where another champion is served than the one it was compared with, nothing is done: exit 99"
    since.add_argument("--unless-moved", action="store_true", help=moved)
    again = "where another champion is served than the one it was compared with, judge again and go by the gate's word"
    since.add_argument("--judge-again", action="store_true", help=again)
    seen = _add(verbs, "evidence", _evidence, "what a person needs to decide about a package", "package", "run_key")
    seen.add_argument("--asked-by", type=_key, help="put the question: exit 99 while somebody else asks")
    ended = _add(verbs, "outcome", _outcome, "write down how a person's decision ended", "package", "run_key")
    ended.add_argument("--asked-by", type=_key, required=True, help="who put the question")
    ended.add_argument("--answer", required=True, help="Approve or Reject")
    ended.add_argument("--who", default="", help="who answered; nobody without it")
    ended.add_argument("--why", default="", help="the person's reason")
    beside = _add(verbs, "companion", _companion, "serve a model beside the champion, by its name", "package?")
    beside.add_argument("--model", required=True, help="under which name; its last trained package without --package")
    back = _add(verbs, "rollback", _roll_back, "serve what was served before")
    back.add_argument("--reason", required=True, help="kept in the ledger")
    back.add_argument("--actor", default="operator", help="kept in the ledger (default: operator)")
    back.add_argument("--expected-epoch", type=int, help="refuse unless this epoch is served: safe to repeat")
    back.add_argument("--run-key", type=_key, help="the run that asks; again: the same rollback")
    tidy = _add(verbs, "retain", _retain, "remove what nothing needs any more (STORE_KEEP_…), and say what and why")
    tidy.add_argument("--dry-run", action="store_true", help="only say what would go")
    tidy.add_argument("--airflow-logs", type=Path, help="Airflow's folder of logs; without it those stay")
    _add(verbs, "mirror", _mirror, "point the tracking server's aliases at what the ledger serves")
    again = _add(verbs, "replay", _replay, "train a promotion's model again and compare: exit 0 when it is the same")
    again.add_argument("--promotion", type=int, required=True, help="epoch of the ledger")
    again.add_argument("--model", default=MODEL, help=f"which of its models (default: {MODEL})")
    journal = _add(verbs, "journal", _journal, "every training ever, its parameters and what came of it, as CSV")
    journal.add_argument("--out", type=Path, help="the file to write; without it the table is printed")
    _add(verbs, "watch", _watch, "read what is answered and asked lately, and tell where it alarms", "run_key")
    exam = _add(
        verbs, "submission", _submission, "answer a catalogue's test products, as the challenge wants", "model?"
    )
    exam.add_argument("--data", type=Path, required=True, help="the catalogue's folder")
    exam.add_argument("--out", type=Path, help="the file to write (default: in the store's folder submissions)")
    told = _add(verbs, "report", _report, "tell a month as one HTML file: figures and what follows from them")
    told.add_argument("--month", default="", help="YYYY-MM, the running one too (default: the last that is over)")
    told.add_argument("--ask", action="store_true", help="ask for a retraining where the report says so, once a month")
    kept = _add(verbs, "log-report", _log_report, "log a written report to the tracking server; again: replace it")
    kept.add_argument("--name", required=True, help="such as monthly-2026-10")
    _add(verbs, "first", _first, "encoders to promote at once, for a store without a champion", "manifest?", "run_key")
    together = "features, fit and judge at once; nothing is promoted"
    _add(verbs, "train", _train, together, "manifest?", "run_key?", "model?")
    return parser


def _add(verbs: Any, name: str, run: Verb, text: str, *arguments: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text)
    for argument in arguments:
        option, required = f"--{argument.rstrip('?').replace('_', '-')}", not argument.endswith("?")
        kind, words = _KINDS[argument.rstrip("?")]
        default = MODEL if option == "--model" else None
        verb.add_argument(option, type=kind, required=required, default=default, help=words)
    verb.set_defaults(run=run)
    return verb


def _key(text: str) -> str:
    if not 1 <= len(text) <= 250:
        raise argparse.ArgumentTypeError("a run key has 1 to 250 characters")
    return text


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _shas(text: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in text.split(",")]
    if not all(feature and equals for feature, equals, _ in pairs):
        raise argparse.ArgumentTypeError("expected text=SHA or image=SHA, comma by comma")
    return {feature: sha for feature, _, sha in pairs if sha}


_KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "manifest": (int, "number of the snapshot (default: the newest)"),
    "run_key": (_key, "the run that asks; again: the same result"),
    "package": (str, "sha of the packaged model"),
    "encoders": (_shas, "packages to use instead of the settings': text=SHA,image=SHA; without a sha: the settings'"),
    "model": (str, f"name of the model (default: {MODEL}); train takes {ALL}, too"),
}


# Each verb imports what it runs on: a rollback waits neither for scikit-learn nor for OpenVINO.
def _encoders(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import learn

    return learn.package_encoders(workplace, model=arguments.model)


def _snapshot(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import pinning

    return pinning.pin(workplace, run_key=arguments.run_key)


def _features(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import learn

    workplace.use_encoders(arguments.encoders or {})
    return learn.embed(workplace, manifest=arguments.manifest, model=arguments.model)


def _fit(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import learn

    workplace.use_encoders(arguments.encoders or {})
    return learn.fit(workplace, manifest=arguments.manifest, run_key=arguments.run_key, model=arguments.model)


def _finetune(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import finetuning

    given = ("half", "layers", "epochs", "max_steps", "manifest", "run_key")
    order = {name: getattr(arguments, name) for name in given}
    if arguments.among is not None:
        return finetuning.finetune_among(workplace, halves=arguments.among, **order)
    return finetuning.finetune(workplace, **order)


def _judge(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import judgement

    return judgement.judge(workplace, package=arguments.package, manifest=arguments.manifest, run_key=arguments.run_key)


def _promote(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import release

    if arguments.judge_again and arguments.approve is None:
        from training.jobs import chains

        return chains.promote_judging_again(workplace, package=arguments.package, run_key=arguments.run_key)
    approval = release.Approval.parse(arguments.approve) if arguments.approve is not None else None
    return release.promote(
        workplace,
        package=arguments.package,
        run_key=arguments.run_key,
        approval=approval,
        unless_moved=arguments.unless_moved,
    )


def _evidence(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import decisions

    return decisions.show_evidence(
        workplace, package=arguments.package, run_key=arguments.run_key, asked_by=arguments.asked_by
    )


def _outcome(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import decisions

    return decisions.record_outcome(
        workplace,
        package=arguments.package,
        run_key=arguments.run_key,
        asked_by=arguments.asked_by,
        answer=arguments.answer,
        who=arguments.who,
        why=arguments.why,
    )


def _companion(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import companions

    return companions.release_companion(workplace, model=arguments.model, package=arguments.package)


def _roll_back(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import release

    return release.roll_back(
        workplace,
        reason=arguments.reason,
        actor=arguments.actor,
        expected_epoch=arguments.expected_epoch,
        run_key=arguments.run_key,
    )


def _retain(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import retention

    return retention.retain(workplace, dry_run=arguments.dry_run, airflow_logs=arguments.airflow_logs)


def _mirror(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import release

    return release.follow_ledger(workplace)


def _replay(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import replay

    return replay.replay(workplace, promotion=arguments.promotion, model=arguments.model)


def _journal(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import journal

    return journal.tell(workplace, out=arguments.out)


def _first(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import chains

    return chains.first(workplace, manifest=arguments.manifest, run_key=arguments.run_key)


def _train(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.family import RECIPES
    from training.jobs import chains

    if arguments.model == ALL:
        return chains.train_several(workplace, tuple(RECIPES), manifest=arguments.manifest, run_key=arguments.run_key)
    return chains.train(workplace, manifest=arguments.manifest, run_key=arguments.run_key, model=arguments.model)


def _watch(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from core.settings import LoopSettings
    from preprocessing.images import ImageFolder
    from training.jobs import watching

    images = ImageFolder(workplace.store.images)
    return watching.watch(
        workplace.sessions, workplace.readers, images, LoopSettings(), model=MODEL, run_key=arguments.run_key
    )


def _submission(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import submission

    return submission.submit(workplace, data=arguments.data, out=arguments.out, model=arguments.model)


def _report(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from core.settings import LoopSettings
    from training.jobs import reporting

    return reporting.report(workplace, LoopSettings(), month=arguments.month, ask=arguments.ask)


def _log_report(workplace: Workplace, arguments: argparse.Namespace) -> dict[str, Any]:
    from training.jobs import reporting

    return reporting.log_report(workplace, name=arguments.name)


if __name__ == "__main__":
    sys.exit(main())
