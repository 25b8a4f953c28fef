"""What the numbers of a series' quality mean: its completeness, how bad it is, and why in a sentence. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from model.ledger import SKEW_BOUNDS_MS, quantile
from store.series_quality import DeviceQuality, SeriesQuality

LATE_MS = 60_000  # a message received more than a minute after its newest device time is late

AHEAD_MS = -1_000  # half of the messages dated a second or more after their receipt: no jitter, a wrong clock


@dataclass(frozen=True)
class Verdict:
    """A series judged: what came of what was due (0..1), reasons with the gravest first, none = nothing is wrong."""

    series: SeriesQuality
    completeness: float
    badness: float
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """All reasons in one line."""
        return " ".join(self.reasons) or "Nothing is wrong."


def judged(found: Iterable[SeriesQuality]) -> list[Verdict]:
    """Judge series, the worst first."""
    return sorted(map(verdict, found), key=lambda each: (-each.badness, each.series.asset, each.series.name))


def verdict(series: SeriesQuality) -> Verdict:
    """Judge one series: the badness is the share of the window in which its values are missing or cannot be trusted."""
    complete = completeness(series)
    doubtful = series.flat_us / series.window_us + (series.out_of_range / series.received if series.received else 0.0)
    conflicting = series.conflicts / series.rows if series.rows else 0.0
    return Verdict(series, complete, 1 - complete + doubtful + conflicting, tuple(_reasons(series, complete)))


def completeness(series: SeriesQuality) -> float:
    """Received over expected values of a periodic series, else the share of time with a value; at most 1."""
    if series.expected:
        return min(1.0, series.received / series.expected)
    return 1.0 - series.gap_us / series.window_us


def late_share(device: DeviceQuality) -> float | None:
    """Share of a device's messages that came late; null without any message."""
    late = sum(device.skew_ms[SKEW_BOUNDS_MS.index(LATE_MS) + 1 :])
    return late / sum(device.skew_ms) if sum(device.skew_ms) else None


def skew(device: DeviceQuality, share: float) -> float | None:
    """So many ms after their device time that share of a device's messages had been received; null without any."""
    return quantile(device.skew_ms, SKEW_BOUNDS_MS, share)


def device_reasons(device: DeviceQuality) -> tuple[str, ...]:
    """What is wrong with what a device sends, in sentences; none = nothing."""
    return tuple(_device_reasons(device))


def _device_reasons(device: DeviceQuality) -> Iterator[str]:
    late, middle = late_share(device), skew(device, 0.5)
    if late:
        yield f"{late:.1%} of its messages came more than a minute after their time."
    if middle is not None and middle <= AHEAD_MS:
        ahead = _time(round(-middle * 1e3))
        yield f"Its clock is ahead: half of its messages are dated {ahead} or more after their receipt."
    if device.duplicate:
        yield f"{device.duplicate:,} values came twice."
    if device.conflict:
        yield f"{device.conflict:,} values came again as other ones."
    if device.rejected_value or device.rejected_messages:
        yield f"{device.rejected_messages:,} messages and {device.rejected_value:,} values were refused."
    if device.missing_seq:
        yield f"{device.missing_seq:,} sequence numbers are missing."


def _reasons(series: SeriesQuality, complete: float) -> Iterator[str]:
    if not series.received:
        yield "No usable value came."
    elif series.received < series.expected:
        yield f"{complete:.1%} of the values due came: {series.received:,} of {series.expected:,}."
    if series.gap_us and series.received:
        number = {0: "A gap from before", 1: "1 gap"}.get(series.gaps, f"{series.gaps:,} gaps")
        longest = f"at most {_time(series.longest_gap_us)} at a stretch"
        yield f"{number}: {_time(series.gap_us)} without a value, {longest}."
    if series.rows > series.received:
        yield f"{series.rows - series.received:,} readings said that they are bad or without a signal."
    if series.flat_spans:
        yield f"It stood still for {_time(series.flat_us)} while the machine produced."
    if series.out_of_range:
        low, high = ("…" if each is None else f"{each:g}" for each in (series.valid_low, series.valid_high))
        yield f"{series.out_of_range:,} values cannot be: outside {low} to {high} {series.unit}".rstrip() + "."
    if series.conflicts:
        yield f"{series.conflicts:,} times another value came for a stored one."
    if series.resets:
        yield f"The counter fell {series.resets} times: taken as resets."


def _time(us: int) -> str:
    hours = us / 3.6e9
    if hours * 60 < 1:
        return f"{us / 1e6:.3g} s"
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"
