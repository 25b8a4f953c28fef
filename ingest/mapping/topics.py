"""Topic patterns: `{name}` stands for one level, `/{name...}` at the end for all that follow, also none."""

import re

PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TAIL = re.compile(r"(?:^|/)\{([A-Za-z_][A-Za-z0-9_]*)\.\.\.\}$")


def problem(topic: str) -> str:
    """What is wrong with a pattern, if anything."""
    if set(topic) & set("+#"):
        return "write {name} for a level that varies and {name...} for all that follow, not + or #"
    body = _TAIL.sub("", topic)
    if "..." in body:
        return "{name...} stands only at the end, as a level of its own"
    if any("{" in PLACE.sub("", level) or len(PLACE.findall(level)) > 1 for level in body.split("/")):
        return "{name} must be a word in braces, one in a level"
    if len(names(topic)) != len(set(names(topic))):
        return "two places of the topic have the same name"
    return ""


def names(topic: str) -> list[str]:
    """Names of the places, in their order."""
    tail_name = tail(topic)
    return [*PLACE.findall(_TAIL.sub("", topic)), *([tail_name] if tail_name else [])]


def tail(topic: str) -> str:
    """Name of the place that stands for all that follows, or nothing."""
    found = _TAIL.search(topic)
    return found[1] if found else ""


def subscription(topic: str) -> str:
    """The topic filter of MQTT."""
    body = _TAIL.sub("", topic)
    levels = ["+" if PLACE.search(level) else level for level in body.split("/")] if body else []
    return "/".join([*levels, *(["#"] if tail(topic) else [])])


def pattern(topic: str) -> re.Pattern[str]:
    """What finds the places in a topic."""
    body = _TAIL.sub("", topic)
    parts = PLACE.split(body)
    text = re.escape(parts[0])
    for name, after in zip(parts[1::2], parts[2::2], strict=True):
        text += f"(?P<{name}>[^/]+)" + re.escape(after)
    if tail(topic):
        text += f"(?:/(?P<{tail(topic)}>.+))?" if body else f"(?P<{tail(topic)}>.+)"
    return re.compile(text, re.DOTALL)


def fill(template: str, segments: dict[str, str]) -> str:
    """A template with the levels of a topic in its places."""
    return PLACE.sub(lambda found: segments[found[1]], template)


def covers(one: str, other: str) -> bool:
    """Whether a topic filter takes every topic that another takes."""
    mine, others = one.split("/"), other.split("/")
    for place, level in enumerate(mine):
        if level == "#":
            return True
        if place >= len(others) or others[place] == "#" or (level != "+" and level != others[place]):
            return False
    return len(mine) == len(others)
