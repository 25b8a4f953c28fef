"""What a trial of mappings saw, for people (tables) and for machines (plain data)."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ingest.trial import Trial
from ingest.trial_seen import SeriesSeen, TopicSeen
from pilot.map_summary import Summary

MOST_SHOWN = 40
MOST_UNREAD = 15
MOST_NAMES = 20
_LONGEST = 40


def as_data(trial: Trial, summary: Summary) -> dict[str, Any]:
    """Everything, as JSON can say it."""
    return {
        "ok": summary.ok,
        "messages": trial.messages,
        "left_out": trial.left_out,
        "topics": [_topic(seen) for seen in trial.topics.values()],
        "rules": [asdict(rule) for rule in trial.rules],
        "more_rules": trial.more_rules(),
        "new_mappings": trial.new_mappings(),
        "problems": summary.problems,
        "hints": summary.hints,
    }


def _topic(seen: TopicSeen) -> dict[str, Any]:
    return {
        **{
            name: getattr(seen, name) for name in ("topic", "read_by", "site", "asset", "messages", "values", "ignored")
        },
        "events": dict(seen.events),
        "series": [{**asdict(series), "last_at": _at(series)} for series in seen.series.values()],
        "unmatched": [asdict(each) for each in seen.unmatched.values()],
        "refused": [
            {"reason": code, "detail": detail, "times": times} for (code, detail), times in seen.refused.most_common()
        ],
    }


def show(console: Console, trial: Trial, summary: Summary) -> None:
    """Print tables per topic, then rules, suggestions and the summary."""
    read = [seen for seen in trial.topics.values() if seen.read_by]
    for seen in read[:MOST_SHOWN]:
        _show_topic(console, seen)
    if len(read) > MOST_SHOWN:
        console.print(f"… and {len(read) - MOST_SHOWN} more topics; --json shows all of them")
    _show_unread(console, trial)
    if trial.rules:
        _show_rules(console, trial)
    _show_suggestions(console, trial)
    for problem in summary.problems:
        console.print(f"[red]✗[/red] {escape(problem)}")
    for hint in summary.hints:
        console.print(f"[yellow]•[/yellow] {escape(hint)}")
    console.print(f"[bold]{escape(summary.sentence)}[/bold]")


def _show_topic(console: Console, seen: TopicSeen) -> None:
    place = f"{seen.site}/{seen.asset}".rstrip("/") or "no asset"
    console.print(f"\n[bold]{escape(seen.topic)}[/bold]  read by {escape(seen.read_by)} → {escape(place)}")
    counts = [f"{seen.messages:,} messages", f"{seen.values:,} values"]
    counts += [f"{count:,} {kind}" for kind, count in seen.events.items()]
    counts += [f"{seen.ignored:,} items left out on purpose"] if seen.ignored else []
    console.print("  " + escape(", ".join(counts)), style="dim")
    if seen.series:
        table = _table("series", "from rule", "quantity", "unit", "last value", "at (UTC)", "values")
        for series in list(seen.series.values())[:MOST_SHOWN]:
            table.add_row(*map(escape, _cells(series)))
        console.print(table)
    for (code, detail), times in seen.refused.most_common(MOST_UNREAD):
        console.print(f"  [red]refused[/red] {times:,} × {code}: {escape(detail)}")
    if seen.unmatched:
        names = [f"{each.source} ({_short(each.last)})" for each in list(seen.unmatched.values())[:MOST_NAMES]]
        count = len(seen.unmatched) - MOST_NAMES
        at_least = "at least " if seen.more_unmatched else ""
        more = f" and {at_least}{count} more" if count > 0 else ""
        console.print(f"  [yellow]no rule for[/yellow] {escape(', '.join(names))}{more}")


def _table(*names: str, title: str | None = None) -> Table:
    """A table in which long names go on in the next line: a name that is cut is of no use in a mapping."""
    table = Table(title=title, title_justify="left", box=None)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _cells(series: SeriesSeen) -> Iterator[str]:
    received = series.received_unit
    yield series.name
    yield series.rule or "–"
    yield series.quantity or "refused"
    yield f"{received} → {series.unit}" if received and received != series.unit else series.unit or "–"
    yield _short(series.last) if series.count else "–"
    yield _at(series)
    yield f"{series.count:,}"


def _show_unread(console: Console, trial: Trial) -> None:
    unread = trial.unread
    if unread:
        console.print(f"\n[yellow]{len(unread)} topics that nothing reads[/yellow]")
        for seen in unread[:MOST_UNREAD]:
            text = seen.sample[:60].decode("utf-8", "replace")
            console.print(f"  {escape(seen.topic)}  {seen.messages:,} ×  {escape(_short(text, 60))}", style="dim")
        if len(unread) > MOST_UNREAD:
            console.print(f"  … and {len(unread) - MOST_UNREAD} more", style="dim")


def _show_rules(console: Console, trial: Trial) -> None:
    table = _table("mapping", "rule", "series", "values", title="rules")
    for rule in trial.rules:
        count = f"{rule.count:,}" if rule.count else "[red]none[/red]"
        table.add_row(escape(rule.mapping), escape(rule.source or "(the value)"), escape(rule.name), count)
    console.print()
    console.print(table)


def _show_suggestions(console: Console, trial: Trial) -> None:
    for file, text in trial.more_rules().items():
        console.print(f"\n[bold]rules that {escape(file)} could have as well[/bold] (look at quantities and units)")
        console.print(escape(text), soft_wrap=True)
    for text in trial.new_mappings():
        console.print("\n[bold]a mapping that would read more of it[/bold] (site, asset, names and units are guesses)")
        console.print(escape(text), soft_wrap=True)


def _at(series: SeriesSeen) -> str:
    if not series.count:
        return ""
    return datetime.fromtimestamp(series.last_us / 1e6, UTC).isoformat(sep=" ", timespec="milliseconds")[:23]


def _short(value: float | str | None, longest: int = _LONGEST) -> str:
    if value is None:
        return "no signal"
    text = f"{value:,.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
