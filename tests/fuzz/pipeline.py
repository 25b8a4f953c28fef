"""The way of a payload from the broker to the rows of its batch, as the service goes it; no broker, no database."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest import account, intake
from ingest.account import Account, Tally
from ingest.columns import Plan, flatten
from ingest.decode.result import Decoded, Rejection
from ingest.headers import Key
from ingest.limits import DayQuota, Limits
from ingest.message import Message
from ingest.over_quota import OverQuota
from ingest.plan import make_plan
from ingest.proposal import admit, conversion_to, proposal, unit_problem
from ingest.refusals import Refusal, refusals
from ingest.route import Router, SeriesRef, Source
from ingest.seqs import seq_runs
from ingest.series_table import SeriesTable
from ingest.sparkplug import packets
from ingest.sparkplug.host import Host
from model.units import UnitError
from store.raw_registry import NewSeries, SeriesKey, SeriesRow
from tests.fuzz.corpus import RECEIVED_US, Seed

LIMITS = Limits()
MOST_SERIES = 2_000


@dataclass
class Outcome:
    """What a batch would write."""

    messages: list[Message]
    plan: Plan
    counted: Tally
    accounts: dict[Key, Account]
    refused: list[Refusal]


def receive(seed: Seed, payload: bytes) -> list[Message]:
    """The messages of what came before, of the payload, and of the same payload once more."""
    host = Host()
    router = Router([seed.mapping] if seed.mapping else [], host)
    arrivals = [*((topic, data, False) for topic, data in seed.before), (seed.topic, payload, False)]
    arrivals.append((seed.topic, payload, True))
    return [each for topic, data, dup in arrivals for each in _taken(host, _known(router.source(topic)), data, dup)]


def _known(source: Source) -> Source:
    """As if site, asset and device were registered."""
    source.site_id, source.asset_id, source.device_id = 1, 2, 3
    return source


def _taken(host: Host, source: Source, payload: bytes, dup: bool) -> list[Message]:
    opened = intake.opened(payload, LIMITS.payload_bytes)
    message = Message(source, payload, RECEIVED_US, Decoded(), dup=dup)
    if source.place is None or isinstance(opened, Rejection):
        message.decoded = intake.decode(source, opened, RECEIVED_US)
        return [message]
    return [each for each in packets.messages(host, message, opened) if not each.only_acknowledge]


def store(messages: Sequence[Message]) -> Outcome:
    """Plan a batch and count it."""
    for message in messages:
        _known(message.source)
    table = SeriesTable()
    _register(table, list(flatten(messages).new))
    plan = make_plan(flatten(messages), table, LIMITS, DayQuota(LIMITS.new_days_per_hour), lambda _source: b"key")
    counted = account.tally(plan)
    accounts = account.accounts(plan, counted, RECEIVED_US)
    account.ledger_rows(accounts)
    account.dirty_marks(plan)
    seq_runs(messages, LIMITS)
    return Outcome(list(messages), plan, counted, accounts, refusals(plan, counted, RECEIVED_US, LIMITS, OverQuota()))


def _register(table: SeriesTable, refs: list[SeriesRef]) -> None:
    """Propose what is new as the resolver does; every series that may be is registered."""
    rows: dict[SeriesKey, NewSeries] = {}
    refused: dict[SeriesKey, Rejection] = {}
    for ref in refs:
        table.add(ref)
        made = proposal(ref)
        if isinstance(made, Rejection):
            table.refuse(ref, made)
        else:
            rows.setdefault((made.asset_id, made.name), made)
    admitted, refused = admit(rows, {}, {}, [], MOST_SERIES)
    places = {(row.asset_id, row.name): place for place, row in enumerate(admitted, start=100)}
    for ref in refs:
        key = (ref.source.asset_id, ref.name)
        if ref.index in table.refusals:
            continue
        if key in refused:
            table.refuse(ref, refused[key])
            continue
        row = rows[key]
        series = SeriesRow(
            row.asset_id, row.name, places[key], row.quantity, row.unit, row.kind, row.interval_us, row.interval_label
        )
        try:
            table.accept(ref, series, conversion_to(ref, series))
        except UnitError as error:
            table.refuse(ref, unit_problem(ref, error))
