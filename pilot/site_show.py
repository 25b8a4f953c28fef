"""A site's registry and quotas as lines for people. Pure."""

from store.site_quota import Use

_SENTENCES = {
    "over_quota": "messages were refused in the last day: more values than the quota",
    "too_many_series": "messages were refused, in part or whole, in the last day: no room for new series",
}


def lines(use: Use) -> list[str]:
    """What is registered, what is allowed, what was refused."""
    rate = f"{use.values_per_s:,.1f} values/s"
    shown = [
        f"{use.key}: {use.name}, {use.timezone}",
        f"  registered  {use.assets:,} assets, {use.devices:,} devices",
        f"  series      {use.series:,} ({use.proposed:,} proposed) {_of(use.series, use.most_series)}",
        f"  values      {rate} since the hour before this one began {_of(use.values_per_s, use.most_values_per_s)}",
    ]
    for reason, count, last in use.refused:
        shown.append(f"  refused     {count:,} {_SENTENCES[reason]}; the last at {last:%Y-%m-%d %H:%M:%S} UTC")
    return shown


def _of(used: float, most: int | None) -> str:
    return "(no quota set)" if most is None else f"of at most {most:,} ({used / most:.0%})"
