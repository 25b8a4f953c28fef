"""Names of other standards as ours: text of a topic or a metric in, key of a site or name of a series out."""


def series_name(text: str) -> str:
    """A tag or metric as the name of a series: `/` becomes `.`, a blank `_`; what else is wrong is refused later."""
    return text.strip().replace("/", ".").replace(" ", "_")


def site_key(text: str) -> str:
    """A location as the key of a site, which has no capitals and no blanks."""
    return text.strip().replace(" ", "_").lower()
