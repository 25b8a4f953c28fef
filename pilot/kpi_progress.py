"""Progress of the KPI job on the error stream: a bar on a terminal, else a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

LINE_S = 10.0
_WHOLE = 100.0


@contextmanager
def shown(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[float, str], None]]:
    """Give what is to be told how much is done (0 to 1) and what is being done.

    Args:
        console: of the error stream.
        clock: seconds; without a terminal there is a line at most every LINE_S, the first one after that time.
    """
    if not console.is_terminal:
        yield _lines(console, clock)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("looking for work", total=None)
        yield lambda done, what: bar.update(task, completed=_WHOLE * done, total=_WHOLE, description=what)


def _lines(console: Console, clock: Callable[[], float]) -> Callable[[float, str], None]:
    told = [clock()]

    def tell(done: float, what: str) -> None:
        if clock() - told[0] >= LINE_S:
            told[0] = clock()
            console.print(f"{done:.0%} {what}", markup=False, highlight=False, soft_wrap=True)

    return tell
