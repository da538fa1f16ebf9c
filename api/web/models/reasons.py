"""The gate's checks in the visitor's language: what each asks, what was measured, and whether it passed.

The gate wrote its reasons in English, and the numbers behind them beside that. Here the sentences are made again from
the numbers; a check that this page does not know, or whose numbers are not there, keeps the gate's own sentence.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.web.texts import Texts
from core.domain.gate import significant

_MINUS = "\N{MINUS SIGN}"
_REASON = re.compile(r"(passed|FAILED) ([^:]+): (.*)", re.DOTALL)
_PLACES = {False: 0, True: 1, None: 2}
_TOLD = {
    "there is no champion": "models.told_no_champion",
    "a package that is not intact": "models.told_not_intact",
    "not gated": "models.told_not_gated",
}
"""What the gate tells without having checked it, by how its sentences begin."""

Numbers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One check; ``passed`` is None for a sentence that only tells something, and then it has no title."""

    title: str
    passed: bool | None
    words: str


def checks(report: Numbers, texts: Texts, label: Callable[[int], str]) -> list[Check]:
    """Every reason of a gate report: what failed first, what only tells something last; ``label`` names a category."""
    said = dict(_Sentences(report, texts, label).all()) if _is_complete(report) else {}
    made = [_check(reason, said, texts) for reason in report.get("reasons", ())]
    return sorted(made, key=lambda one: _PLACES[one.passed])


def _is_complete(report: Numbers) -> bool:
    return bool((report.get("evidence") or {}).get("comparison")) and bool(report.get("policy"))


def _check(reason: str, said: Mapping[str, str], texts: Texts) -> Check:
    found = _REASON.fullmatch(reason)
    if not found:
        told = next((texts(key) for beginning, key in _TOLD.items() if reason.startswith(beginning)), reason)
        return Check("", None, told)
    passed, name, detail = found[1] == "passed", found[2], found[3]
    key = re.sub(r"[^a-z]+", "_", name)
    known = texts.has(f"models.check_{key}")
    return Check(texts(f"models.check_{key}") if known else name, passed, said.get(key, detail))


class _Sentences:
    """What was measured for each check of a complete report."""

    def __init__(self, report: Numbers, texts: Texts, label: Callable[[int], str]) -> None:
        self._compared: Numbers = report["evidence"]["comparison"]
        self._policy: Numbers = report["policy"]
        self._texts, self._label = texts, label

    def all(self) -> Iterator[tuple[str, str]]:
        """Sentences by check."""
        for key, values in self._measured():
            yield key, self._texts(f"models.said_{key}", **values)

    def _measured(self) -> Iterator[tuple[str, dict[str, Any]]]:
        compared, policy, texts = self._compared, self._policy, self._texts
        yield "golden_answers", {}
        yield "another_model", {}
        yield "better", self._gain(compared["overall"])
        if compared["frozen"]:
            yield "frozen_hold_out_does_not_fall", self._gain(compared["frozen"])
            yield "frozen_hold_out_agrees", self._gain(compared["frozen"])
        if compared.get("fresh"):
            yield "fresh_rows_do_not_fall", self._gain(compared["fresh"])
        yield "no_class_falls", self._falls(compared["classes"])
        allowed = points(policy["max_calibration_increase"], texts)
        yield "calibration", {"measured": points(compared["calibration_increase"], texts), "allowed": allowed}
        limits = {"measured": compared["relative_latency"], "allowed": policy["max_relative_latency"]}
        yield "latency", {name: texts.decimal(value, 2) for name, value in limits.items()}
        if compared.get("robustness"):
            yield "robustness", self._worst(compared["robustness"])
        yield "likely_better", {"measured": self._share(compared["overall"]["improves"]), "asked": self._asked()}
        downside = {"measured": compared["overall"]["low"], "allowed": policy["floor"]}
        yield "no_deep_downside", {name: points(value, texts) for name, value in downside.items()}
        yield "enough_products", {"measured": compared["overall"]["clusters"], "asked": policy["fewest_clusters"]}
        if doubt := compared.get("new_labels"):
            shares = {"measured": self._share(doubt["contradicted"]), "expected": self._share(doubt["expected"])}
            yield "new_labels_agree", {**shares, "rows": doubt["rows"]}

    def _gain(self, part: Numbers) -> dict[str, Any]:
        return {name: points(part[name], self._texts) for name in ("observed", "low", "high")} | {"rows": part["rows"]}

    def _falls(self, classes: Sequence[Numbers]) -> dict[str, Any]:
        policy = self._policy
        guarded = [one for one in classes if one["support"] >= policy["class_support"]]
        fallen = [guarded[at] for at in significant([one["p_fall"] for one in guarded], alpha=policy["alpha"])]
        names = ", ".join(self._label(one["code"]) for one in fallen)
        return {
            "fallen": len(fallen),
            "guarded": len(guarded),
            "support": policy["class_support"],
            "margin": self._texts.decimal(100 * policy["class_margin"], 1),
            "names": f" ({names})" if names else "",
        }

    def _worst(self, tried: Sequence[Numbers]) -> dict[str, Any]:
        worst = min(tried, key=lambda one: one["challenger_f1"] - one["champion_f1"])
        key = "models.disturbance_" + worst["disturbance"].replace(" ", "_")
        return {
            "tried": len(tried),
            "worst": self._texts(key) if self._texts.has(key) else worst["disturbance"],
            "challenger": self._texts.decimal(worst["challenger_f1"]),
            "champion": self._texts.decimal(worst["champion_f1"]),
        }

    def _asked(self) -> str:
        """As the gate asks: strictly of what is new in kind, and after many looks."""
        looks = (self._compared.get("looks") or {}).get("at_champion", 0)
        is_strict = self._compared["new_architecture"] or looks > self._policy["looks_until_strict"]
        return self._share(self._policy["strict_confidence" if is_strict else "confidence"])

    def _share(self, value: float) -> str:
        return self._texts.percent(value, 1)


def points(share: float, texts: Texts, digits: int = 1) -> str:
    """A difference of shares in points with its sign, such as ``+1.3``; a minus as long as a plus."""
    written = texts.decimal(abs(100 * share), digits)
    is_nothing = not any(digit in written for digit in "123456789")
    return written if is_nothing else ("+" if share > 0 else _MINUS) + written
