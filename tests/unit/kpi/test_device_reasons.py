"""What is said of a device: a wrong clock, late messages, doubles; nothing of one that is as it should be."""

from dataclasses import replace

import pytest

from kpi.explained.series_verdict import device_reasons
from model.ledger import SKEW_BOUNDS_MS
from store.series_quality import DeviceQuality


def device(**messages_by_skew: int) -> DeviceQuality:
    """A device with messages by the bound of their skew in ms: `at_100=90`, `ahead_60000=10`."""
    skew = [0] * (len(SKEW_BOUNDS_MS) + 1)
    for name, count in messages_by_skew.items():
        side, _, ms = name.partition("_")
        skew[SKEW_BOUNDS_MS.index(-int(ms) if side == "ahead" else int(ms))] = count
    return DeviceQuality("gw", "line/m1", 100, 100, 0, 0, 0, 0, 0, skew)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (device(at_100=100), ()),
        (device(ahead_100=80, at_0=20), ()),
        (device(at_100=70, at_3600000=30), ("30.0% of its messages came more than a minute after their time.",)),
        (
            device(ahead_600000=100),
            ("Its clock is ahead: half of its messages are dated 10.0 min or more after their receipt.",),
        ),
        (replace(device(at_100=9), duplicate=3), ("3 values came twice.",)),
        (replace(device(), conflict=2), ("2 values came again as other ones.",)),
        (replace(device(), rejected_messages=1, rejected_value=4), ("1 messages and 4 values were refused.",)),
        (replace(device(), missing_seq=5), ("5 sequence numbers are missing.",)),
    ],
)
def test_a_device_is_told_what_is_wrong_with_it(found: DeviceQuality, said: tuple[str, ...]) -> None:
    assert device_reasons(found) == said
