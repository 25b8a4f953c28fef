"""An explanation as a person reads it: the formula with its numbers, where the time went, what it rests on."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kpi.explained.explanation import Explanation
from kpi.explained.worked_out import number as exact
from pilot.numbers import minutes, number, share

SHOWN_PIECES = 40


def show(found: Explanation) -> None:
    """Print all parts of an explanation, one below the other."""
    console = Console(highlight=False)
    console.print(_head(found), soft_wrap=True)
    if found.inputs:
        console.print(_inputs(found))
    if found.terms:
        console.print(_terms(found))
    if found.pieces:
        console.print(_pieces(found))
    if found.losses:
        console.print(_losses(found))
    if found.energy:
        console.print(_energy(found))
        console.print(_meters(found))
    if found.longest:
        console.print(_longest(found))
    if found.quality:
        console.print(_quality(found))
    console.print(_rests_on(found), soft_wrap=True)
    console.print(_revisions(found))


def _head(found: Explanation) -> Text:
    row = found.value
    place = f"{row['asset'] or 'the site'}, {row['grain']} {row['production_day']}"
    window = f"{row['window_start']:%Y-%m-%d %H:%M} – {row['window_end']:%Y-%m-%d %H:%M} UTC"
    first, last = found.note or "superseded", f"from {', '.join(name or 'the site' for name in found.contributing)}"
    trust = f"coverage {share(row['coverage'])}, completeness {share(row['completeness'])}"
    checks = {True: "made again from the stored pieces: equal", False: "MADE AGAIN: DIFFERENT", None: first}
    lines = (
        f"{found.name_vi} · {found.name_en} ({found.kpi}) of {place}, {window}",
        f"{found.formula} = {number(row['value'])} {found.unit}",
        f"= {found.calculation}" if found.calculation else "",
        f"= {' * '.join(f'{name} {number(each)}' for name, each in found.factors.items())}" if found.factors else "",
        ", ".join([row["status"], trust, *row["flags"]]) + f"; {checks[found.equal]}",
        last if found.contributing else "",
        f"what stands for it: {found.rule}" if found.rule else "",
        found.boundary or "",
    )
    return Text("\n".join(filter(None, lines)))


def _inputs(found: Explanation) -> Table:
    table = Table("base sum", "amount", title="What the formula reads", title_justify="left")
    for name, amount in found.inputs.items():
        table.add_row(name, number(amount))
    return table


def _terms(found: Explanation) -> Text:
    """Each base sum that is made of amounts times factors, as an equation that a calculator works out."""
    lines = []
    for name in dict.fromkeys(row["sum"] for row in found.terms):
        rows = [row for row in found.terms if row["sum"] == name]
        more = f" + {len(rows) - SHOWN_PIECES:,} more" if len(rows) > SHOWN_PIECES else ""
        whole = found.inputs[name]
        made = "" if whole is None else f" = {exact(whole)}"
        lines.append(f"{name} = {' + '.join(map(_term, rows[:SHOWN_PIECES]))}{more}{made}")
    return Text("\n".join(lines))


def _term(row: dict[str, Any]) -> str:
    of = f" ({row['of']})" if row["of"] else ""
    factor = (
        f"no {row['factor_unit']} in force" if row["factor"] is None else f"{exact(row['factor'])} {row['factor_unit']}"
    )
    return f"{exact(row['amount'])} {row['unit']}{of} * {factor}"


def _pieces(found: Explanation) -> Table:
    table = Table("asset", "quantity", "class", "reason", "amount", title="What they add up", title_justify="left")
    for row in sorted(found.pieces, key=lambda row: _rank(found, row["quantity"]))[:SHOWN_PIECES]:
        of_class = "/".join(filter(None, (row["time_class"], row["sub_class"])))
        amount = number(row["amount"]) if row["seconds"] is None else f"{minutes(row['seconds'])} min"
        quantity = " ".join(filter(None, (row["quantity"], row["qualifier"])))
        table.add_row(*map(escape, (row["asset"] or "the site", quantity, of_class, row["reason"], amount)))
    table.columns[-1].justify = "right"
    more = len(found.pieces) - SHOWN_PIECES + found.pieces_left_out
    if more > 0:
        table.caption = f"and {more:,} more; --json shows them"
    return table


def _rank(found: Explanation, quantity: str) -> int:
    """What the formula is made of first, readings due and received last: they are what completeness is made of."""
    if quantity in {"expected", "received"}:
        return 2
    of_energy = any("kwh" in name or "_kg" in name or "demand" in name for name in found.inputs)
    return int((quantity == "energy") != of_energy)


def _losses(found: Explanation) -> Table:
    title = f"Where {minutes(found.window_s)} minutes went"
    table = Table("what", "minutes", "six big losses", title=title, title_justify="left", show_footer=True)
    for loss in found.losses:
        if loss.seconds:
            table.add_row(loss.key, minutes(loss.seconds), loss.big_loss)
    table.columns[0].footer, table.columns[1].footer = "sum", minutes(sum(loss.seconds for loss in found.losses))
    table.columns[1].justify = "right"
    return table


def _energy(found: Explanation) -> Table:
    table = Table("class", "reason", "kWh", title="Where the energy went", title_justify="left", show_footer=True)
    for row in found.energy:
        of_class = "/".join(filter(None, (row["time_class"], row["sub_class"]))) or "not known"
        table.add_row(*map(escape, (of_class, row["reason"], number(row["kwh"]))))
    table.columns[0].footer, table.columns[2].footer = "sum", number(sum(row["kwh"] for row in found.energy))
    table.columns[2].justify = "right"
    return table


def _meters(found: Explanation) -> Table:
    names = ("meter", "days", "kWh", "of the energy", "main meter", "sub-meter")
    table = Table(*names, title="Meters, and the share of each", title_justify="left")
    for row in found.meters:
        shares = (row["energy_share"], row["main_share"], row["submeter_share"])
        days = dict.fromkeys(str(row[name]) for name in ("from_day", "to_day") if row[name])
        kwh = number(row["kwh"])
        table.add_row(
            escape(row["asset"] or "the site"), " – ".join(days), kwh, *(share(each or None) for each in shares)
        )
    return table


def _longest(found: Explanation) -> Table:
    title = "Longest stretches without production"
    table = Table("asset", "from (UTC)", "minutes", "class", "reason", "state", title=title, title_justify="left")
    for row in found.longest:
        seconds = (row["to_ts"] - row["from_ts"]).total_seconds()
        of_class = "/".join(filter(None, (row["time_class"], row["sub_class"])))
        begin = f"{row['from_ts']:%Y-%m-%d %H:%M:%S}"
        table.add_row(*map(escape, (row["asset"], begin, minutes(seconds), of_class, row["reason"], row["state"])))
    return table


def _quality(found: Explanation) -> Table:
    table = Table("of", "what", title="What is wrong with the data, the worst first", title_justify="left")
    for row in found.quality[:SHOWN_PIECES]:
        table.add_row(escape(row["of"]), escape(row["why"]))
    return table


def _rests_on(found: Explanation) -> Text:
    row = found.value
    waiting = sum(each["sha256"] is None for each in found.raw_digests)
    digests = f"{waiting} get their digest when their day is closed" if waiting else "their digests are kept"
    raw = f"{found.raw_rows:,} raw rows of {len(found.raw_digests)} series and days, {digests}"
    gaps = f"nothing is known of {minutes(found.gaps_s)} minutes in {len(found.gaps)} gaps\n" if found.gaps else ""
    calendar = f"calendar {found.calendar['digest'][:16]}…, " if found.calendar else ""
    return Text(
        f"{gaps}{raw}\ndefinition {found.definition_version}, {calendar}registry {row['config_digest'][:16]}…, "
        f"inputs {row['inputs_digest'][:16]}…, factor set {row['factor_set'] or '–'}"
    )


def _revisions(found: Explanation) -> Table:
    names = ("revision", "value", "status", "cause", "computed (UTC)", "stood until")
    table = Table(*names, title="Revisions", title_justify="left")
    for row in found.revisions:
        until = f"{row['superseded_at']:%Y-%m-%d %H:%M:%S}" if row["superseded_at"] else "stands"
        times = (f"{row['computed_at']:%Y-%m-%d %H:%M:%S}", until)
        table.add_row(str(row["revision"]), number(row["value"]), row["status"], ", ".join(row["cause"]), *times)
    return table
