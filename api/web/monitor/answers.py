"""What the models answered and how quickly, as charts: confidence, categories, latency."""

from collections.abc import Callable
from itertools import pairwise

from api.trends.service import Trends
from api.web.monitor.charts import TONES, Chart, Series
from api.web.texts import Texts
from core.domain.trends import TENTHS, ModelAnswers

_SURE = 9  # tenths: from 0.9 on
_MOST_CLASSES = 27
_WORTH_TELLING = 0.01  # of all answers: smaller moves of a category are no news


def charts_of(found: Trends, texts: Texts, category: Callable[[int], str]) -> list[Chart]:
    """Every chart about answers; ``category`` names a code in the reader's language."""
    return [_confidence(found, texts), _classes(found, texts, category), _latency(found, texts)]


def _name(one: ModelAnswers) -> str:
    return f"{one.model} {one.version[:8]}"


def _confidence(found: Trends, texts: Texts) -> Chart:
    series = [
        Series(_name(one), [rows / one.rows for rows in one.confidence], tone, "bar")
        for one, tone in zip(found.models, TONES, strict=False)
    ]
    shares = [texts("monitor.confidence_one", model=_name(one), share=_sure(one, texts)) for one in found.models]
    finding = texts("monitor.confidence_finding", figures=", ".join(shares))
    return Chart(
        id="confidence",
        title=texts("monitor.confidence"),
        finding=finding if shares else texts("monitor.answers_none"),
        axis=texts("monitor.confidence_axis"),
        names=[f"{texts.percent(tenth / TENTHS)}–{texts.percent((tenth + 1) / TENTHS)}" for tenth in range(TENTHS)],
        series=series,
        unit="share",
    )


def _sure(one: ModelAnswers, texts: Texts) -> str:
    return texts.percent(one.confidence[_SURE] / one.rows)


def _classes(found: Trends, texts: Texts, category: Callable[[int], str]) -> Chart:
    totals: dict[int, int] = {}
    for one in found.models:
        for code, rows in one.classes.items():
            totals[code] = totals.get(code, 0) + rows
    codes = sorted(totals, key=lambda code: (-totals[code], code))[:_MOST_CLASSES]
    series = [
        Series(_name(one), [one.classes.get(code, 0) / one.rows for code in codes], tone, "bar")
        for one, tone in zip(found.models, TONES, strict=False)
    ]
    return Chart(
        id="classes",
        title=texts("monitor.classes"),
        finding=_classes_finding(found.models, codes, texts, category),
        axis=texts("monitor.category"),
        names=[f"{code} {category(code)}" for code in codes],
        series=series,
        unit="share",
    )


def _classes_finding(models: list[ModelAnswers], codes: list[int], texts: Texts, category: Callable[[int], str]) -> str:
    """Between the two newest, the category whose share changed most; of one, the most frequent."""
    if not models:
        return texts("monitor.answers_none")
    for newer, older in pairwise(models):
        moved = max(codes, key=lambda code: abs(_share(newer, code) - _share(older, code)))
        if abs(_share(newer, moved) - _share(older, moved)) < _WORTH_TELLING:
            return texts("monitor.classes_same")
        return texts(
            "monitor.classes_moved",
            category=category(moved),
            before=texts.percent(_share(older, moved), 1),
            after=texts.percent(_share(newer, moved), 1),
        )
    first = codes[0]
    return texts("monitor.classes_first", category=category(first), share=texts.percent(_share(models[0], first), 1))


def _share(one: ModelAnswers, code: int) -> float:
    return one.classes.get(code, 0) / one.rows


def _latency(found: Trends, texts: Texts) -> Chart:
    groups = found.latency
    predict = next((one for one in groups if one.group == "predict"), None)
    finding = texts("monitor.latency_none")
    if predict is not None:
        finding = texts(
            "monitor.latency_finding",
            n=predict.requests,
            p50=texts.decimal(predict.p50_s, 2),
            p95=texts.decimal(predict.p95_s, 2),
        )
    elif groups:
        finding = texts("monitor.latency_no_predictions")
    named = {"p50_s": ("p50", "accent"), "p95_s": ("p95", "warn"), "p99_s": ("p99", "bad")}
    return Chart(
        id="latency",
        title=texts("monitor.latency"),
        finding=finding,
        axis=texts("monitor.latency_axis"),
        names=[texts(f"monitor.group_{one.group}") for one in groups],
        series=[
            Series(texts(f"monitor.percentile_{label}"), [getattr(one, figure) for one in groups], tone, "bar")
            for figure, (label, tone) in named.items()
        ]
        if groups
        else [],
        unit="seconds",
        hint=texts("monitor.latency_hint"),
    )
