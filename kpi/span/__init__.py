"""One span of production days, in one transaction: lock, read, compute, write, build values, answer the marks.

`office` holds the transaction, `scene` what every step works on, `reading` → `parting` → `writing` are the steps,
`handing` says what days owe to the day before and hand to the day after.
"""

from kpi.span.office import Office
from kpi.span.scene import Answered, SpanResult

__all__ = ["Answered", "Office", "SpanResult"]
