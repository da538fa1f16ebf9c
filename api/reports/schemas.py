"""What the routes about reports give."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from core.reports import Report


class ReportRead(BaseModel):
    """One report: which month it is of, when its file was written, and how many bytes that has."""

    name: str
    month: str
    made_at: datetime
    size: int

    @classmethod
    def of(cls, report: Report) -> Self:
        """Render what lies in the folder."""
        return cls(name=report.name, month=report.month, made_at=report.made_at, size=report.size)


class ReportList(BaseModel):
    """Every report, the newest month first."""

    items: list[ReportRead]
