"""Mistakes in the form of a catalogue as sentences: where it stands, what is there, what would be right.

In: what pydantic found, the file as plain data, and the lines of its parts. Out: mistakes for people. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from maturity import framework as parts
from maturity.metrics import METRICS

MOST_MISTAKES = 200
_SHOWN = 60
Path = tuple[str | int, ...]
Lines = Mapping[Path, int]
_TAGS = ("condition", "alternatives")

_MODELS: dict[str, type[BaseModel]] = {
    "": parts.Framework,
    "levels": parts.Level,
    "level_names": parts.LevelName,
    "principles": parts.Principle,
    "areas": parts.Area,
    "technology_groups": parts.TechnologyGroup,
    "baseline": parts.BaselineRule,
    "criteria": parts.Criterion,
    "conditions": parts.Condition,
    "any_of": parts.Condition,
    "compare": parts.Compare,
    "window": parts.Window,
    "data_gate": parts.DataGate,
    "technology": parts.Technology,
    **dict.fromkeys(("name", "definition", "note", "content", "text", "disclaimer"), parts.Text),
}
_FORMS = {
    "id": "an id has capital letters, a dash and numbers, such as ARP-2.1",
    "prerequisites": "a prerequisite is the id of another criterion, such as ARP-2.1",
    "all_of": "a technology group is T and a number, such as T1",
    "any_of": "a technology group is T and a number, such as T1",
}
_KEY = "a key has small letters, digits, - and _, and begins with a letter, such as line-operations"
_WANTED = {
    "int": "a whole number is wanted, such as 30",
    "float": "a number is wanted, such as 0.95",
    "bool": "true or false is wanted",
    "string": "a text is wanted; put a number or date in quotes",
    "dict": "names with values are wanted (name: value)",
    "model": "names with values are wanted (name: value)",
    "tuple": "a list is wanted: begin each entry with a dash, or write [a, b]",
    "finite": "a number is wanted, neither infinite nor .nan",
}


@dataclass(frozen=True)
class Mistake:
    """A mistake in a catalogue: where it stands and what to do about it; the line where one is known."""

    where: str
    what: str
    line: int | None = None

    def __str__(self) -> str:
        line = f" (line {self.line})" if self.line else ""
        return f"{self.where}{line}: {self.what}"


def explained(error: ValidationError, plain: Any, lines: Lines) -> list[Mistake]:
    """Explain every mistake of form."""
    found = [
        Mistake(_place(path, plain), _sentence(each, path), _line(path, lines))
        for each in error.errors(include_url=False)
        if not _is_echo(each)
        for path in [_path(each["loc"])]
    ]
    return found[:MOST_MISTAKES]


def _path(loc: Path) -> Path:
    """The place in the file, without the names by which alternatives are told apart."""
    return tuple(part for part in loc if part not in _TAGS)


def _is_echo(each: Any) -> bool:
    """Whether it only says again that the entries of a list are wrong."""
    return each["type"] == "too_short" and each["ctx"]["actual_length"] == 0 and bool(each["input"])


def _place(path: Path, plain: Any) -> str:
    """The nearest part with a name of its own, and the way from there."""
    named, rest, at = "", path, plain
    for number, part in enumerate(path):
        at = _inside(at, part)
        if isinstance(part, int) and isinstance(at, Mapping) and (name := at.get("id") or at.get("key")):
            named, rest = f"{_ONE.get(str(path[number - 1]), 'part')} {name}", path[number + 1 :]
    way = ".".join(str(part + 1) if isinstance(part, int) else part for part in rest)
    return ", ".join(each for each in (named, way) if each) or "the file"


_ONE = {
    "criteria": "criterion",
    "areas": "area",
    "principles": "principle",
    "levels": "level",
    "technology_groups": "technology group",
}


def _inside(at: Any, part: str | int) -> Any:
    if isinstance(at, Mapping):
        return at.get(part)
    return at[part] if isinstance(at, list) and isinstance(part, int) and part < len(at) else None


def _line(path: Path, lines: Lines) -> int | None:
    """Line of the place, or of the nearest part around it."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


def _sentence(each: Any, path: Path) -> str:  # noqa: PLR0911 - a sentence per kind
    kind, said = str(each["type"]), each["input"]
    name = str(next((part for part in reversed(path) if isinstance(part, str)), ""))
    match kind:
        case "missing":
            return "it is missing" + (": each text stands in Vietnamese (vi) and English (en)" if name in _BOTH else "")
        case "extra_forbidden":
            return _unknown_name(str(path[-1]), path)
        case "enum" | "literal_error":
            return f"it is {_shown(said)}; {_choices(each['ctx']['expected'])}"
        case "string_pattern_mismatch":
            return f"it is {_shown(said)}; {_form(name, str(said))}"
        case "value_error":
            return str(each["msg"]).removeprefix("Value error, ")
        case "too_short" | "too_long" | "string_too_short" | "string_too_long":
            return _length(kind, each["ctx"])
    if bound := next((text for name, text in _BOUNDS.items() if name == kind), ""):
        return f"it is {_shown(said)}; {bound} {next(iter(each['ctx'].values())):g} is wanted{_hint(said, each['ctx'])}"
    wanted = _WANTED.get(kind.split("_", maxsplit=1)[0])
    if not path:
        return f"it is {_shown(said)}; a catalogue begins with `key:`, `version:`, `name:` and so on"
    return f"it is {_shown(said)}; {wanted}" if wanted else str(each["msg"])


_BOTH = ("vi", "en")
_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def _hint(said: Any, bound: Mapping[str, Any]) -> str:
    is_percent = bound.get("le") == 1 and isinstance(said, int | float) and 1 < said <= 100
    return f": {said:g} % is {said / 100:g}" if is_percent else ""


def _unknown_name(name: str, path: Path) -> str:
    around = next((part for part in reversed(path[:-1]) if isinstance(part, str)), "")
    model = _MODELS.get(around)
    known = list(model.model_fields) if model else []
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"there is no {name!r} here; {hint}" if known else f"there is no {name!r} here"


def _form(name: str, said: str) -> str:
    if name == "metric":
        near = get_close_matches(said, [*METRICS, *(each.split(".")[1] for each in METRICS)], 1)
        full = next((each for each in METRICS if near and each.endswith(near[0])), "")
        return "`haidang maturity metrics` lists all" + (f"; did you mean {full!r}?" if full else "")
    return _FORMS.get(name, _KEY)


def _choices(expected: str) -> str:
    return f"choose one of {expected.replace(' or ', ', ')}"


def _length(kind: str, bound: Mapping[str, Any]) -> str:
    unit = "characters" if kind.startswith("string") else "entries"
    if "min_length" in bound:
        return f"{bound['min_length']} {unit} are wanted at least"
    return f"it is too long; {bound['max_length']:,} {unit} are allowed"


def _shown(said: Any) -> str:
    """A value as it is recognised in the file."""
    if said is None:
        return "empty"
    if isinstance(said, Mapping | list | tuple):
        return "a list" if not isinstance(said, Mapping) else "names with values"
    text = repr(said)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def names_of(plain: Any) -> Iterator[tuple[str, Path]]:
    """Name of every part that mistakes speak of, and its place in the file."""
    if not isinstance(plain, Mapping):
        return
    for group, one in _ONE.items():
        entries = plain.get(group)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, Mapping):
                name = entry.get("id") or (entry.get("level") if group == "levels" else None) or entry.get("key")
                yield f"{one} {name}", (group, number)
