"""What the check of a package came to, as data: for the command line, as JSON, for programmes."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from maturity.package.comparing import COMPARED, Verdict
from maturity.package.content import Manifest
from maturity.package.criteria import CriterionAgain

MOST_FINDINGS = 200


@dataclass
class Verification:
    """What the check of a package came to.

    Attributes:
        manifest: what the package is of; null where that could not be read.
        findings: what is wrong, each as one sentence that names a member, a record or a value.
        checked: steps that were done, in words.
        notices: what is not wrong, but whoever relies on the package must know.
        values: every KPI value, stated and again (comparing.COMPARED).
        criteria: every criterion, stated and again.
        signers: keys whose signatures the package bears; those of witnesses are only checked where they were given.
    """

    manifest: Manifest | None = None
    findings: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    values: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COMPARED))
    criteria: list[CriterionAgain] = field(default_factory=list)
    signers: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong and nothing came out differently."""
        different = self.values.filter(pl.col("verdict") == Verdict.DIFFERENT.value)
        return not (self.findings or len(different) or any(each.verdict is Verdict.DIFFERENT for each in self.criteria))

    def note(self, wrong: Iterable[str], done: str) -> bool:
        """Take the findings of a step; says whether there were none."""
        found = list(wrong)
        self.findings.extend(found[:MOST_FINDINGS])
        if len(found) > MOST_FINDINGS:
            self.findings.append(f"… and {len(found) - MOST_FINDINGS} more of this kind")
        if not found:
            self.checked.append(done)
        return not found

    def plain(self) -> dict[str, Any]:
        """As plain data, with all values."""
        rows = self.values.with_columns(pl.col("production_day").cast(pl.String))
        return {
            "good": self.is_good,
            "package": self.manifest.plain() if self.manifest else None,
            "findings": self.findings,
            "checked": self.checked,
            "notices": self.notices,
            "signers": self.signers,
            "values": rows.to_dicts(),
            "criteria": [asdict(each) for each in self.criteria],
        }
