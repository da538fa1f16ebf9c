"""The page of one judgement: what was decided and why, figures, and products that are answered differently now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from core.domain.taxonomy import Taxonomy
from core.errors import EtalonError
from preprocessing.images import ImageFolder
from training import plots
from training.changes import EXAMPLES, changes_between
from training.evaluate import Evaluation
from training.jobs.exam import Sitting
from training.plots import Learnt
from training.reference import references_for
from training.report import Page, Table, render, sentences
from training.report.page import Drawing, Example
from training.report.sentences import name_of, share
from training.suspects import Suspect

if TYPE_CHECKING:
    from training.jobs.findings import Findings

_SUSPECTS = 50


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page needs beside the judgement itself.

    Attributes:
        taxonomy: for the names of categories.
        images: folder of the photos.
        earlier: what earlier packages of the same model scored.
        suspects: accepted labels that look wrong, worst first.
    """

    taxonomy: Taxonomy
    images: Path
    earlier: Sequence[Learnt]
    suspects: Sequence[Suspect]


class JudgementPage:
    """Draws and writes about one judgement whose challenger gave answers."""

    def __init__(self, found: "Findings", challenger: Sitting, around: Surroundings) -> None:
        self._found, self._challenger, self._around = found, challenger, around
        self._references = references_for(around.taxonomy)

    def html(self) -> str:
        """The whole page."""
        training, manifest = self._found.training, self._found.exam.snapshot.manifest
        package, rows = self._challenger.model.sha[:12], self._challenger.scores.rows
        page = Page(
            title=f"{self._challenger.model.name} {package}",
            subtitle=f"Judged on {rows:,} hold-out and fresh products of snapshot {manifest.number}; trained on "
            f"{sum(training['rows'].values()):,} rows of snapshot {training['manifest']}.",
            badge=self._found.decision.outcome.value,
            conclusions=list(self._conclusions()),
            tables=[self._scores(), self._slices()],
            drawings=[Drawing(*_ABOUT[name], figure) for name, figure in self.figures.items()],
            examples=list(self._examples()),
            details=[self._reasons(), self._suspects(), self._classes(), self._origin()],
        )
        return render(page)

    def description(self) -> str:
        """A few lines of Markdown for the model's page on the tracking server."""
        training = self._found.training
        weights = ", ".join(f"{name}: {said}" for name, said in sorted(self._weights().items())) or "none"
        lines = [
            *self._conclusions(),
            f"Snapshot {training['manifest']}, {sum(training['rows'].values()):,} rows learnt from.",
            f"Weights loaded: {weights}.",
        ]
        return "\n".join(f"- {line}" for line in lines)

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """The page's figures by file name."""
        scores, champion = self._challenger.scores, self._found.champion
        codes = [code for code, one in scores.classes.items() if one.support]
        old = champion.scores.classes if champion and all(code in champion.scores.classes for code in codes) else None
        names = [name_of(code, self._around.taxonomy) for code in codes]
        beside = [old[code] for code in codes] if old else None
        every = [name_of(code, self._around.taxonomy) for code in scores.classes]
        drawn = {
            "classes.png": plots.class_scores(names, [scores.classes[code] for code in codes], beside),
            "confusion.png": plots.confusion(scores.confusion, every),
            "reliability.png": plots.reliability(scores.reliability),
        }
        points = [*self._around.earlier, self._point(scores)]
        return drawn | {"learning_curve.png": plots.learning_curve(points, self._references)}

    def _point(self, scores: Evaluation) -> Learnt:
        rows, number = sum(self._found.training["rows"].values()), self._found.training["manifest"]
        return Learnt(rows, number, scores.weighted_f1, *scores.weighted_f1_interval)

    def _conclusions(self) -> Iterator[str]:
        scores, compared = self._challenger.scores, self._found.evidence.comparison
        yield sentences.decision(self._found.decision.outcome.value)
        yield sentences.overall(scores)
        if self._found.champion and compared:
            between = compared.overall
            yield sentences.beside(self._found.champion.scores, (between.low, between.observed, between.high))
        yield sentences.calibration(scores)
        yield from filter(None, [sentences.standing(scores), sentences.weakest(scores, self._around.taxonomy)])
        yield from sentences.against_references(scores, self._references)

    def _scores(self) -> Table:
        sittings = [sitting for sitting in (self._challenger, self._found.champion) if sitting]
        names = ("challenger", "champion")[: len(sittings)]
        metrics = [sitting.scores.metrics() for sitting in sittings]
        rows = [[name, *(_number(each.get(name)) for each in metrics)] for name in metrics[0] if "." not in name]
        about = "Lower is better for calibration error, Brier and likelihood."
        about = f"Both answered the same products in the same run. {about}" if len(sittings) > 1 else about
        return Table("Scores", about, ["", *names], rows)

    def _slices(self) -> Table:
        scores = self._challenger.scores
        rows = [[half.value, f"{one.weighted_f1:.3f}", f"{one.rows:,}"] for half, one in scores.slices.items()]
        rows += [[f"from its {half.value.removesuffix('-only')} alone", f"{one.weighted_f1:.3f}", f"{one.rows:,}"]
                 for half, one in scores.alone.items()]  # fmt: skip
        rows += [[f"language: {name}", f"{one.weighted_f1:.3f}", f"{one.rows:,}"]
                 for name, one in scores.languages.items()]  # fmt: skip
        about = "Parts of the products; languages are guessed from function words, so their borders are soft."
        return Table("Slices", about, ["products", "weighted F1", "how many"], rows)

    def _reasons(self) -> Table:
        rows = [[reason] for reason in self._found.decision.reasons]
        return Table("The gate's reasons", "Every check, passed or not.", ["reason"], rows)

    def _suspects(self) -> Table:
        taxonomy = self._around.taxonomy
        rows = [
            [
                one.title,
                name_of(one.given, taxonomy),
                name_of(one.suggested, taxonomy),
                f"{one.quality:.3f}",
                "reviewed product" if one.prediction_id else f"imported product {one.product_id}",
            ]
            for one in self._around.suspects[:_SUSPECTS]
        ]
        about = (
            f"{len(self._around.suspects)} accepted labels that the model contradicts without having learnt from them "
            "(cleanlab); worst first. Reviewed products are in the review queue, marked for a second opinion; imported "
            "ones are corrected in the catalogue they came from."
        )
        return Table("Labels that look wrong", about, ["title", "label", "looks like", "quality", "source"], rows)

    def _classes(self) -> Table:
        scores = self._challenger.scores.classes
        rows = [
            [name_of(code, self._around.taxonomy), f"{it.f1:.3f}", f"{it.low:.3f} to {it.high:.3f}", str(it.support)]
            for code, it in scores.items()
        ]
        about = "F1 with its 95 % interval, products drawn again by cluster."
        return Table("Every category", about, ["category", "F1", "interval", "products"], rows)

    def _origin(self) -> Table:
        training = self._found.training
        facts = [[f"encoder {name}", sha] for name, sha in sorted(training["encoders"].items())]
        facts += [[f"weights of {name}", str(said)] for name, said in sorted(self._weights().items())]
        facts += [[name, str(training[name])] for name in ("train_key", "code_version", "taxonomy_version")]
        facts += [["snapshot", f"{training['manifest']} ({training['manifest_sha256']})"]]
        facts += [[f"seconds for {stage}", str(took)] for stage, took in training["stages"].items()]
        return Table("Where the model comes from", "The same key gives the same package.", ["fact", ""], facts)

    def _weights(self) -> dict[str, str]:
        return dict(self._challenger.model.spec.get("weights", {}))

    def _examples(self) -> Iterator[Example]:
        if self._found.champion is None:
            return
        changes = changes_between(self._found.exam.rows.truth, self._found.champion.answers, self._challenger.answers)
        for change, rows in changes.items():
            for row in rows[:EXAMPLES]:
                yield self._example(int(row), change.value, self._found.champion)

    def _example(self, row: int, verdict: str, champion: Sitting) -> Example:
        product = self._found.exam.snapshot.rows[self._found.exam.places[row]]
        said = [
            f"{name_of(int(one.codes[row]), self._around.taxonomy)} ({share(float(one.confidences[row]))})"
            for one in (champion.answers, self._challenger.answers)
        ]
        photo = self._photo(product.image_sha256)
        accepted = name_of(product.prdtypecode, self._around.taxonomy)
        return Example(product.designation, photo, said[0], said[1], accepted, verdict)

    def _photo(self, sha: str) -> bytes | None:
        try:
            return ImageFolder(self._around.images).get(sha) if sha else None
        except EtalonError:  # swept or damaged: a page does without
            return None


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


_ABOUT = {
    "classes.png": ("By category", "How well each category is told apart, with how sure that is."),
    "confusion.png": ("Confusion", "A row is what a product is, a column what the model says: the diagonal is right."),
    "reliability.png": ("Calibration", "Points inside the grey band are what an honest model shows by chance."),
    "learning_curve.png": ("Learning curve", "Every training so far, each on the hold-out of its own day."),
}
