"""What a check found: lines for a person, JSON for a program, JUnit's XML for whoever collects tests."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One step: what it found, or what is wrong, and how long it took; neither where it was not come to."""

    step: str
    found: str = ""
    failure: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        said = f"FAILED {self.step}: {self.failure}" if self.failure else f"ok     {self.step}: {self.found}"
        return f"{said} ({self.seconds:.2f} s)"


@dataclass(slots=True)
class Outcome:
    """All of it; ``skipped`` names the steps that a failure kept from being gone through."""

    url: str
    findings: list[Finding] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[Finding]:
        """The steps that failed: the one that ended the check, and cleaning up after it."""
        return [finding for finding in self.findings if finding.failure]

    def to_json(self) -> dict[str, Any]:
        """The result of the check as one object."""
        document: dict[str, Any] = {
            "ok": not self.failures,
            "url": self.url,
            "steps": len(self.findings),
            "seconds": round(sum(finding.seconds for finding in self.findings), 2),
        }
        if self.failures:
            document["failed"] = {finding.step: finding.failure for finding in self.failures}
        return document

    def to_junit(self) -> bytes:
        """A test suite of one case a step."""
        counts = {"tests": len(self.findings) + len(self.skipped), "failures": len(self.failures)}
        counts["skipped"] = len(self.skipped)
        suite = ET.Element("testsuite", name="service check", **{name: str(count) for name, count in counts.items()})
        for finding in self.findings:
            case = self._case(suite, finding.step, finding.seconds)
            if finding.failure:
                ET.SubElement(case, "failure", message=_printable(finding.failure))
        for step in self.skipped:
            ET.SubElement(self._case(suite, step, 0.0), "skipped")
        return ET.tostring(suite, encoding="utf-8", xml_declaration=True)

    def _case(self, suite: ET.Element, step: str, seconds: float) -> ET.Element:
        return ET.SubElement(suite, "testcase", classname=self.url, name=step, time=f"{seconds:.3f}")


def _printable(text: str) -> str:
    """XML has no way to write most control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
