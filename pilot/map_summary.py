"""What a trial of mappings means: whether it is well, what is not, what to look at next."""

from collections.abc import Sequence
from typing import NamedTuple

from ingest.trial import Trial


class Summary(NamedTuple):
    """Problems make a trial fail; hints do not."""

    sentence: str
    problems: list[str]
    hints: list[str]

    @property
    def ok(self) -> bool:
        return not self.problems


def summarize(trial: Trial, waited: str, filters: Sequence[str]) -> Summary:
    """Judge a trial; `waited` says where and how long messages were looked for, `filters` under which topics."""
    if not trial.messages:
        return Summary(f"No message came {waited}.", [f"No message came {waited}."], _checks(filters))
    read = sum(seen.messages for seen in trial.topics.values() if seen.read_by)
    nothing = [] if read else ["None of these messages is read: nothing of them would be stored."]
    problems = [*nothing, *_silent(trial), *_refused(trial)]
    hints = _hints(trial)
    values = sum(seen.values for seen in trial.topics.values())
    series = sum(len(seen.series) for seen in trial.topics.values())
    verdict = "Nothing is wrong." if not problems else f"{len(problems)} things to mend."
    counts = f"{trial.messages:,} messages {waited}, {read:,} of them read: {values:,} values of {series:,} series."
    return Summary(f"{counts} {verdict}", problems, hints)


def _checks(filters: Sequence[str]) -> list[str]:
    """What to look at when nothing came."""
    asked = f"; asked for here: {', '.join(filters)}" if filters else ""
    return [
        f"Does anything publish just now? `mosquitto_sub -h HOST -t '#' -v` shows all there is{asked}.",
        "Is it this broker, and may this account read these topics? Brokers send nothing, silently, where it may not.",
        "Machines that report only changes can be silent for long: try --seconds 120.",
    ]


def _silent(trial: Trial) -> list[str]:
    files = trial.silent_mappings
    found = [f"No message came on the topic of {file}." for file in files]
    rules = [rule for rule in trial.rules if not rule.count and rule.mapping not in files]
    return found + [f"{rule.mapping}: the rule `from: {rule.source}` ({rule.name}) matched no value." for rule in rules]


def _refused(trial: Trial) -> list[str]:
    times = sum(sum(seen.refused.values()) for seen in trial.topics.values())
    topics = sum(bool(seen.refused) for seen in trial.topics.values())
    return [f"{times:,} refusals on {topics:,} topics, listed there."] if times else []


def _hints(trial: Trial) -> list[str]:
    found = []
    sites = sorted({seen.site for seen in trial.topics.values() if seen.read_by and seen.site})
    if sites:
        found.append(f"Sites that must be registered (`haidang site apply`): {', '.join(sites[:10])}.")
    unmatched = sum(len(seen.unmatched) for seen in trial.topics.values())
    if unmatched:
        found.append(f"{unmatched:,} names have no rule and are left out; `unmapped: propose` would take them.")
    if trial.unread:
        found.append(f"{len(trial.unread):,} topics are read by nothing.")
    if trial.left_out:
        found.append(f"{trial.left_out:,} messages of further topics were not looked at: name fewer with --topic.")
    return found
