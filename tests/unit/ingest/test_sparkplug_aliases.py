"""What aliases mean: in what comes again, after something was missed, and when it is read long after its receipt."""

import pytest

from ingest.decode.result import Decoded, refused
from ingest.message import Message
from ingest.route import Router
from ingest.sparkplug import packets
from ingest.sparkplug.arrival import Part
from ingest.sparkplug.host import Host, Options
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from ingest.sparkplug.state import MOST_TABLES, Change, Life

T = 1_790_000_000_000  # ms
NOW_US = (T + 3_600_000) * 1000
BIRTH, DATA, NODE = "DBIRTH/gw/press", "DDATA/gw/press", "NBIRTH/gw"


class Plant:
    """A host and the node `gw` with the device `press`."""

    def __init__(self) -> None:
        self.host = Host(Options("haidang"), clock_s=lambda: 1000.0)
        self.router = Router([], self.host)

    def say(self, topic: str, at: int, seq: int, *metrics: Metric, dup: bool = False, kept: bool = False) -> list[Part]:
        payload = Payload(timestamp=T + at, seq=seq, metrics=metrics).SerializeToString()
        source = self.router.source(f"spBv1.0/plant/{topic}")
        return self.host.take(source, payload, NOW_US, dup=dup, kept=kept)

    def born(self, at: int, **aliases: int) -> None:
        """The node and then its device are born: names and their aliases."""
        self.say(NODE, at, 0, Metric(name="bdSeq", datatype=8, long_value=1))
        self.say(BIRTH, at, 1, *defined(**aliases))

    def data(self, at: int, seq: int, alias: int = 1, *, dup: bool = False, kept: bool = False) -> str:
        """What becomes of a value by alias: the series, or the code of its refusal."""
        return fate(self.say(DATA, at, seq, Metric(alias=alias, double_value=5.0), dup=dup, kept=kept)[0].decoded)

    def read(self, at: int, alias: int = 1, *, historical: bool = False) -> str:
        """What a kept message is when it is looked at again."""
        metric = Metric(alias=alias, double_value=5.0)
        if historical:
            metric.is_historical = True
        payload = Payload(timestamp=T + at, seq=9, metrics=[metric])
        return fate(self.router.source(f"spBv1.0/plant/{DATA}").decode(payload.SerializeToString()))

    @property
    def seq(self) -> int:
        node = self.host.node("plant", "gw")
        assert node is not None
        return node.seq

    def listen_again(self) -> None:
        """A restart: what is stored is read, what was said meanwhile is not known."""
        node = self.host.node("plant", "gw")
        self.host.load([node] if node else [])


def defined(**aliases: int) -> list[Metric]:
    return [Metric(name=name, alias=alias, datatype=10, is_null=True) for name, alias in aliases.items()]


def fate(decoded: Decoded) -> str:
    values = decoded.every_value()
    assert len(values) + len(decoded.rejected) == 1
    assert not decoded.ignored
    return values[0][0] if values else decoded.rejected[0].code


# -- what comes again ------------------------------------------------------------------------------


@pytest.mark.parametrize(("dup", "kept"), [(True, False), (False, True), (False, False)])
def test_history_that_comes_again_is_stored(dup: bool, kept: bool) -> None:
    """Its time is before the birth, but nobody has it yet."""
    plant = Plant()
    plant.born(0, a=1)
    assert plant.data(-60_000, 2, dup=dup, kept=kept) == "a"
    assert plant.seq == 2


def test_what_comes_again_is_refused_where_births_differ_on_it() -> None:
    plant = Plant()
    plant.born(0, a=1, c=3)
    plant.born(10_000, b=1, c=3)
    assert plant.data(5_000, 2, dup=True) == "unknown_alias"
    assert plant.data(5_000, 3, 3, dup=True) == "c"
    assert plant.data(11_000, 4, dup=True) == "b"
    assert plant.data(5_000, 5) == "b", "never sent before, so of this birth, whatever its clock says"


def test_what_was_kept_in_an_outage_is_of_the_birth_it_follows() -> None:
    plant = Plant()
    plant.born(0, a=1)
    plant.born(10_000, b=1)
    assert plant.data(5_000, 2, kept=True) == "b"
    assert plant.data(5_000, 2, kept=True) == "unknown_alias"


def test_a_message_kept_in_an_outage_is_marked_so_and_not_as_sent_again() -> None:
    plant = Plant()
    data = Payload(timestamp=T, seq=2, metrics=defined(a=1)).SerializeToString()
    message = Message(plant.router.source(f"spBv1.0/plant/{DATA}"), data, NOW_US, Decoded(), weight=99)
    again = packets.again(message)
    assert (again.dup, again.kept, again.may_repeat, again.weight) == (False, True, True, len(data))
    assert not message.may_repeat


def test_data_of_before_a_death_come_again_by_the_birth_of_then() -> None:
    plant = Plant()
    plant.born(0, a=1)
    plant.data(1_000, 2)
    plant.say("DDEATH/gw/press", 2_000, 3)
    assert plant.data(1_000, 2, dup=True) == "a"
    assert plant.data(1_000, 4) == "unknown_alias"


def test_a_slow_clock_after_a_death_makes_no_gap() -> None:
    plant = Plant()
    plant.born(0, a=1)
    plant.say("NDEATH/gw", 0, 0, Metric(name="bdSeq", datatype=8, long_value=1))  # at the time of receipt
    parts = [plant.say(DATA, 1_000 + seq, seq, Metric(name="a", double_value=1.0), dup=True)[0] for seq in (2, 3, 4)]
    assert plant.seq == 4
    assert plant.say(DATA, 1_005, 5, Metric(name="a", double_value=1.0))[0].decoded.missing == 0
    assert [part.decoded.missing for part in parts] == [0, 0, 0]


# -- births that come again ------------------------------------------------------------------------


def test_a_birth_that_nobody_took_in_is_new_whatever_its_clock_says() -> None:
    plant = Plant()
    plant.born(10_000, a=1)
    plant.say(NODE, 0, 0, Metric(name="bdSeq", datatype=8, long_value=2), dup=True)
    plant.say(BIRTH, 0, 1, *defined(b=1), dup=True)
    assert plant.data(1, 2) == "b"
    node = plant.host.node("plant", "gw")
    assert node is not None
    assert node.bd_seq == 2


def test_births_that_come_again_change_nothing() -> None:
    plant = Plant()
    plant.born(0, a=1)
    plant.born(10_000, b=1)
    plant.data(10_001, 2)
    before = plant.host.node("plant", "gw")
    for at, name in ((0, "a"), (10_000, "b")):
        plant.say(NODE, at, 0, Metric(name="bdSeq", datatype=8, long_value=1), dup=True)
        plant.say(BIRTH, at, 1, *defined(**{name: 1}), dup=True)
    assert plant.host.node("plant", "gw") == before


# -- what was missed -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["load", "reconnect"])
def test_aliases_are_not_read_by_a_birth_that_may_not_be_the_last(how: str) -> None:
    plant = Plant()
    plant.born(0, a=1)
    plant.data(1, 2)
    plant.listen_again() if how == "load" else plant.host.doubt()
    assert plant.data(2_000, 7) == "unknown_alias"
    assert [out.topic for out in plant.host.outgoing] == ["spBv1.0/plant/NCMD/gw"]
    plant.listen_again()
    assert plant.data(2_001, 8) == "unknown_alias", "what is stored of the node says so as well"
    plant.born(3_000, b=1)
    assert plant.data(3_001, 2) == "b"
    assert plant.read(2_000) == "unknown_alias", "the birth that was missed may have said anything"
    assert plant.read(1) == "a"


def test_what_was_refused_is_read_where_the_births_before_and_after_it_agree() -> None:
    plant = Plant()
    plant.born(0, a=1, b=2)
    plant.data(1, 2)
    plant.host.doubt()
    assert plant.data(2_000, 7) == "unknown_alias"
    plant.born(3_000, a=1, c=2)
    assert plant.read(2_000) == "a"
    assert plant.read(2_000, 2) == "unknown_alias"


def test_an_unbroken_sequence_needs_no_other_birth() -> None:
    plant = Plant()
    plant.born(0, a=1)
    plant.data(1, 2)
    plant.listen_again()
    assert plant.data(1, 2, dup=True) == "a", "a repeat tells nothing"
    assert plant.data(2, 3) == "a"
    assert plant.data(9, 9) == "unknown_alias", "a gap: perhaps of what the broker did not keep for us"
    plant.born(10, a=1)
    assert plant.data(11, 2) == "a"
    assert plant.data(19, 9) == "a", "a gap while we listened: a birth would have come"


def test_a_doubtful_node_is_read_the_short_way_too_until_there_is_a_gap() -> None:
    plant = Plant()
    plant.born(0, a=1, b=2)
    said = [Metric(alias=1, double_value=5.0), Metric(alias=2, double_value=6.0)]
    for seq in (2, 3):
        plant.say(DATA, seq, seq, *said)
    plant.host.doubt()
    (part,) = plant.say(DATA, 4, 4, *said)
    assert part.decoded.rows
    (part,) = plant.say(DATA, 6, 6, *said)
    assert [rejection.code for rejection in part.decoded.rejected] == ["unknown_alias"] * 2


def test_the_change_of_a_doubtful_node_is_kept_with_its_message() -> None:
    plant = Plant()
    plant.born(0, a=1)
    plant.listen_again()
    (part,) = plant.say(DATA, 2_000, 7, Metric(alias=1, double_value=5.0))
    changes = [one for one in part.decoded.effects if isinstance(one, Change)]
    changed = {device: one.node.device(device).life for one in changes for device in one.devices}
    assert changed == {"": Life.AWAITED, "press": Life.AWAITED}


# -- read long after ------------------------------------------------------------------------------


def test_a_kept_message_is_read_by_the_birth_of_its_time() -> None:
    plant = Plant()
    for number in range(3):
        plant.born(10_000 * number, **{f"m{number}": 1, f"only{number}": 10 + number})
    assert [plant.read(at) for at in (5_000, 15_000, 25_000)] == ["m0", "m1", "m2"]
    assert plant.read(-1) == "unknown_alias", "a birth before the first one that is known is not known"
    assert plant.read(5_000, 11) == "unknown_alias"


def test_births_of_long_ago_are_forgotten_and_what_needs_them_stays_refused() -> None:
    plant = Plant()
    for number in range(MOST_TABLES + 2):
        plant.born(10_000 * number, **{f"m{number}": 1})
    assert plant.read(5_000) == "unknown_alias"
    assert plant.read(25_000) == "m2"


def test_a_birth_from_before_those_that_are_kept_does_not_hold_again() -> None:
    plant = Plant()
    for number in range(MOST_TABLES + 2):
        plant.born(10_000 * number, **{f"m{number}": 1})
    plant.say(BIRTH, 0, 1, *defined(m0=1), dup=True)
    assert plant.data(5_000, 1, dup=True) == "unknown_alias"
    plant.say(BIRTH, 50_000, 1, *defined(m5=1), dup=True)
    assert plant.data(55_000, 2) == "m5"
    assert plant.host.outgoing == []


def test_a_birth_that_may_be_new_or_long_ago_is_asked_for_once_more() -> None:
    """The next number of the sequence, marked as sent before, by a clock that is behind all births that are kept."""
    plant = Plant()
    for number in range(MOST_TABLES + 2):
        plant.born(10_000 * number, **{f"m{number}": 1})
    plant.say(BIRTH, 0, 2, *defined(m9=1), dup=True)
    assert plant.data(1, 3) == "unknown_alias"
    assert [said.topic for said in plant.host.outgoing] == ["spBv1.0/plant/NCMD/gw"]


def over_quota(plant: Plant, seq: int) -> Decoded:
    payload = Payload(timestamp=T + seq, seq=seq, metrics=[Metric(alias=1, double_value=5.0)]).SerializeToString()
    message = Message(plant.router.source(f"spBv1.0/plant/{DATA}"), payload, NOW_US, Decoded())
    return packets.unread(plant.host, message, payload, refused("over_quota", "too much"))


def test_what_is_refused_for_the_quota_is_not_missing_and_asks_for_no_rebirth() -> None:
    plant = Plant()
    plant.born(0, level=1)
    plant.data(2, 2)
    passed = [over_quota(plant, seq) for seq in (3, 4)]
    assert [(one.whole is not None, one.missing, len(one.effects)) for one in passed] == [(True, 0, 1)] * 2
    (part,) = plant.say(DATA, 5, 5, Metric(alias=1, double_value=5.0))
    assert (part.decoded.missing, plant.seq, plant.host.outgoing) == (0, 5, [])
    assert over_quota(plant, 8).missing == 2


def test_what_is_refused_for_the_quota_takes_no_doubt_away() -> None:
    plant = Plant()
    plant.born(0, level=1)
    plant.listen_again()
    over_quota(plant, 90)  # a birth may have been among those before
    assert plant.data(91, 91) == "unknown_alias"
