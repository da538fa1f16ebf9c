"""What a check reports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant: its name ("I1" … "I9"), what is wrong, and the file, row or id where."""

    invariant: str
    message: str
    where: str

    def __str__(self) -> str:
        return f"{self.invariant}  {self.where}: {self.message}"
