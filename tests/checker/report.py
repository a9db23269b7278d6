"""What the checker found: for each invariant what was looked at, how many of it, and what broke it, with the offending ids.

An invariant without violations that has looked at nothing has shown nothing: that is why the counts are there.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

WIDTH = 160
SHOWN_VIOLATIONS = 20


@dataclass(frozen=True)
class Violation:
    """One thing that must not be: what, and of which ids."""

    what: str
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.what}: {' '.join(self.ids)}" if self.ids else self.what


@dataclass(frozen=True)
class Finding:
    """What one invariant came to."""

    invariant: int
    title: str
    looked_at: Mapping[str, int]
    violations: list[Violation] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What all invariants came to."""

    findings: list[Finding]

    @property
    def broken(self) -> set[int]:
        """The numbers of the invariants that do not hold."""
        return {finding.invariant for finding in self.findings if finding.violations}

    @property
    def ok(self) -> bool:
        """Whether every invariant holds."""
        return not self.broken

    def looked_at(self, invariant: int) -> Mapping[str, int]:
        """How many of what an invariant was judged by."""
        return next(finding.looked_at for finding in self.findings if finding.invariant == invariant)

    def text(self) -> str:
        """A table for people, and below it every violation (of each invariant the first 20)."""
        text = io.StringIO()
        console = Console(file=text, width=WIDTH)
        table = Table("", "invariant", "looked at", "violations")
        for one in self.findings:
            counts = ", ".join(f"{count} {name}" for name, count in one.looked_at.items())
            table.add_row(str(one.invariant), one.title, counts, str(len(one.violations)))
        console.print(table)
        for one in self.findings:
            for violation in one.violations[:SHOWN_VIOLATIONS]:
                console.print(f"{one.invariant}: {violation}", soft_wrap=True, markup=False, highlight=False)
        return text.getvalue()
