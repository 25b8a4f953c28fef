"""`python -m tests.benchmarks`: ingest and a Telegraf found on the path, the same messages, one after the other.

Prints values stored in a second, whether sent = stored, and our ratio. `--faults` also restarts the rival's database,
kills the rival, sends it a message twice, and counts what is lost (ours: `haidang bench faults`). `--kpi` compares the
KPI job with pandas and plain SQL.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from pilot import bench_ingest
from pilot.bench_kpi_plant import Size
from pilot.bench_publisher import Load
from tests.benchmarks.telegraf import Outcome, Rival, rival

RIVALS = ("sql", "pandas")
NO_RIVAL = "Telegraf is not on the path: ours is not compared with it."


def main() -> int:
    """Measure and print; 1 where ours loses or doubles anything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--values-per-message", type=int, default=1)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--faults", action="store_true", help="also with restarts and kills")
    parser.add_argument("--kpi", action="store_true", help="the KPI job beside pandas and plain SQL instead")
    parser.add_argument("--machines", type=int, default=10, help="with --kpi")
    parser.add_argument("--days", type=int, default=1, help="with --kpi")
    parser.add_argument("--processes", type=int, default=1, help="with --kpi")
    parser.add_argument("--only", choices=RIVALS, help="with --kpi: beside this one only")
    chosen = parser.parse_args()
    if chosen.kpi:
        from tests.benchmarks.kpi import compare  # noqa: PLC0415 - pandas, which the rest does not need

        rivals = (chosen.only,) if chosen.only else RIVALS
        return compare(Size(chosen.machines, chosen.days), chosen.processes, rivals)
    options = bench_ingest.Options(chosen.values_per_message, chosen.messages or None, repeat=chosen.repeat)
    with tempfile.TemporaryDirectory(prefix="haidang-rival-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the database server runs as another user where we are root
        with rival(folder) as telegraf:
            if telegraf is None:
                say(NO_RIVAL)
                return 0
            found = measured(telegraf, options, with_faults=chosen.faults)
    ours = bench_ingest.run(options)
    for run, theirs in zip(ours.runs, found, strict=True):
        ratio = run.values_per_s / theirs
        say(f"{run.name}: ours {run.values_per_s:,.0f} values/s, Telegraf {theirs:,.0f}: {ratio:.1f} times")
    return 0 if ours.complete else 1


def measured(telegraf: Rival, options: bench_ingest.Options, *, with_faults: bool) -> list[float]:
    """Median values in a second of Telegraf, draining and live."""
    say(telegraf.version())
    work = options.load
    runs: list[list[float]] = [[], []]
    for _ in range(options.repeat):
        for place, run in enumerate((telegraf.draining, telegraf.live)):
            outcome = run(work)
            show(outcome)
            runs[place].append(outcome.values_per_s)
    if with_faults:
        rate = max(1.0, median(runs[1]) / work.values_per_message / 2)
        faults: dict[str, Callable[[Load, float], Outcome]] = {
            "restart": telegraf.restarted,
            "kill": telegraf.killed,
            "repeat": telegraf.repeated,
        }
        for name, fault in faults.items():
            show(fault(work, rate))
            for line in telegraf.complaints(name):
                say(f"  {line}")
    return [median(rates) for rates in runs]


def show(outcome: Outcome) -> None:
    """A line for a run of Telegraf."""
    what = "LOST" if outcome.lost > 0 else "too many"
    kept = "sent = stored" if not outcome.lost else f"{abs(outcome.lost):,} of {outcome.sent:,} messages {what}"
    say(f"Telegraf, {outcome.name}: {outcome.values_per_s:,.0f} values/s, {kept}")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
