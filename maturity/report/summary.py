"""The page for a director: levels, biggest gaps, what to buy first, how good the data are. Pure."""

from textwrap import shorten

from maturity.assessing import Assessment
from maturity.evaluate import ConditionResult, Outcome
from maturity.gaps import OpenCriterion, Unlock
from maturity.report.overview import Overview
from maturity.report.parts import Count, Gap, Group, Stand, Summary
from maturity.report.review import Review
from maturity.report.words import NOTHING, Words

MOST_GAPS = 3
MOST_GROUPS = 3
MOST_IDS = 6
MOST_CHARACTERS = 170  # of why a gap cannot be assessed: all of it must fit one page


def summary(found: Assessment, overview: Overview, review: Review, words: Words) -> Summary:
    """Sum an assessment up on one page."""
    counts = found.counts()
    places = {"all": len(found.results), "unknown": counts["not_assessable"], **counts}
    confirmed = review.confirmed(found.framework)
    bought = {each.key for each in found.framework.technology_groups if each.purchase}
    return Summary(
        headline=words("summary.headline", **places),
        counts=tuple(Count(each, words(f"outcome.{each}"), number) for each, number in counts.items()),
        stands=tuple(
            stand(found, each.key, words.of(each.name), confirmed, words) for each in found.framework.principles
        ),
        gaps=tuple(_gap(found, each, words) for each in biggest(found.gaps.open)[:MOST_GAPS]),
        groups=tuple(_group(found, each, words) for each in found.gaps.unlocks if each.group in bought)[:MOST_GROUPS],
        free=_free([each for each in found.gaps.unlocks if each.group not in bought], words),
        coverage=_coverage(overview, words),
    )


def stand(found: Assessment, key: str, name: str, confirmed: dict[str, int], words: Words) -> Stand:
    """Levels of a principle or area; those that nobody claimed or confirmed are null."""
    standing = found.stands[key]
    levels = (standing.level, found.claimed.get(key), confirmed.get(key))
    supported, claimed, accepted = (_level(found, key, level, words) for level in levels)
    return Stand(name, levels, (supported, claimed, accepted), _next(found, key, words))


def biggest(open_: tuple[OpenCriterion, ...]) -> list[OpenCriterion]:
    """Open criteria: contradicted before not assessable, the farthest first, then the lower levels."""
    return sorted(
        open_,
        key=lambda each: (each.outcome is not Outcome.CONTRADICTED, -(each.distance or 0.0), each.level, each.id),
    )


def _level(found: Assessment, key: str, level: int | None, words: Words) -> str:
    if level is None:
        return NOTHING
    lowest = min(each.level for each in found.framework.levels)
    if level < lowest:
        return words("level.zero")
    named = found.framework.level_name(key, level)
    return f"{level} · {words.of(named[0])}" if named else str(level)


def _next(found: Assessment, key: str, words: Words) -> str:
    following = found.stands[key].next
    if following is None:
        return words("level.top")
    count = len(following.open)
    said = {0: "level.no_criterion", 1: "level.next_one"}.get(count, "level.next")
    return words(said, level=following.level, n=count)


def _gap(found: Assessment, gap: OpenCriterion, words: Words) -> Gap:
    criterion = next(each for each in found.framework.criteria if each.id == gap.id)
    principle = next(each for each in found.framework.principles if each.key == gap.principle)
    return Gap(
        id=gap.id,
        text=words.of(criterion.text),
        outcome=gap.outcome.value,
        label=words(f"outcome.{gap.outcome.value}"),
        keeps=words("gap.next", principle=f"“{words.of(principle.name)}”", level=gap.level),
        why=_why(found, gap, words),
    )


def _why(found: Assessment, gap: OpenCriterion, words: Words) -> str:
    """The comparison that fails with its distance, or the first thing that is missing."""
    windows = found.results[gap.id].windows
    failed = [
        (window, each) for window in windows for each in window.conditions if each.outcome is Outcome.CONTRADICTED
    ]
    if not failed:
        return shorten(gap.missing[0].of(words.language), MOST_CHARACTERS, placeholder=" …") if gap.missing else ""
    window, condition = failed[0]
    said = _measured(condition, words)
    if window is not windows[0]:
        return words("gap.window", said=said, days=words.days(window.first, window.last))
    far = "" if gap.distance is None else f" ({words('gap.far', share=words.percent(gap.distance))})"
    return f"{said}{far}"


def _measured(condition: ConditionResult, words: Words) -> str:
    metric, unit = condition.metric, condition.unit
    required = words.threshold(metric, unit, condition.operator, condition.threshold)
    value = words.value(metric, unit, condition.value)
    return f"{words.metric(metric)}: {words('gap.distance', value=value, threshold=required)}"


def _group(found: Assessment, unlock: Unlock, words: Words) -> Group:
    group = next(each for each in found.framework.technology_groups if each.key == unlock.group)
    opens = words("group.opens", n=len(unlock.opens), ids=_ids(unlock.opens)) if unlock.opens else ""
    said = "group.helps" if unlock.opens else "group.helps_only"
    helps = words(said, n=len(unlock.helps), ids=_ids(unlock.helps)) if unlock.helps else ""
    return Group(words.of(group.name), words.of(group.content), opens, helps)


def _free(unlocks: list[Unlock], words: Words) -> str:
    """What opens without a purchase."""
    opens = tuple(dict.fromkeys(name for each in unlocks for name in each.opens))
    return words("group.free", ids=_ids(opens)).replace("….", "…") if opens else ""


def _ids(names: tuple[str, ...]) -> str:
    more = ", …" if len(names) > MOST_IDS else ""
    return ", ".join(names[:MOST_IDS]) + more


def _coverage(overview: Overview, words: Words) -> str:
    if overview.completeness is None:
        return words("coverage.none")
    days = (overview.last - overview.first).days + 1
    places = {"completeness": words.percent(overview.completeness), "connected": words.percent(overview.connected)}
    return words("coverage.line", days=days, **places)
