"""Why a criterion cannot be assessed and how to provide what is missing: one catalogue of texts, both languages.

In: a key of `texts/reasons.yaml` and what stands in its places. Out: a Reason; numbers, dates and names as each
language writes them. What assessments kept before they held both languages is read again from its English sentence.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from model import wording
from model.shipped import shipped_yaml


class Reason(msgspec.Struct, frozen=True):
    """What is missing and how to provide it; `is_kept` where only the English sentence was kept."""

    vi: str
    en: str
    is_kept: bool = False

    def of(self, language: str) -> str:
        """The sentence in a language."""
        return self.vi if language == "vi" else self.en

    def plain(self) -> dict[str, str] | str:
        """As plain data, the same that it was read from."""
        return self.en if self.is_kept else {"vi": self.vi, "en": self.en}

    def __str__(self) -> str:
        return self.en


def because(key: str, **places: "str | int | date | Reason") -> Reason:
    """Give the reason of a key; dates and reasons in its places are written in the language of the sentence."""
    text = entries()[key]
    vi, en = ({name: _written(value, language) for name, value in places.items()} for language in ("vi", "en"))
    return Reason(text["vi"].format(**vi), text["en"].format(**en))


def share(value: float, decimals: int) -> Reason:
    """A fraction as per cent, for a place of a reason."""
    return Reason(wording.share(value, "vi", decimals), wording.share(value, "en", decimals))


def listed(parts: Iterable[Reason]) -> Reason:
    """Several, with commas, for a place of a reason."""
    found = list(parts)
    return Reason(", ".join(each.vi for each in found), ", ".join(each.en for each in found))


def of_status(status: str) -> Reason:
    """Why a stored value is empty, by its status."""
    key = f"status.{status}"
    return because(key) if key in entries() else Reason(status, status)


def read_again(said: Mapping[str, str] | str) -> Reason:
    """Read what `plain` gave; a sentence in English alone is found among those of today and of earlier versions.

    Raises:
        TypeError, KeyError: it is none.
    """
    if not isinstance(said, str):
        return Reason(said["vi"], said["en"])
    for pattern, text in _sentences():
        if found := pattern.fullmatch(said):
            places = {name: _localised(part) for name, part in found.groupdict().items()}
            return Reason(text.format(**places), said, is_kept=True)
    return Reason(said, said, is_kept=True)


@cache
def entries() -> dict[str, dict[str, str]]:
    """The catalogue: key → language → text."""
    found: dict[str, dict[str, str]] = _yaml("reasons")
    return found


def _written(value: "str | int | date | Reason", language: str) -> str:
    if isinstance(value, Reason):
        return value.of(language)
    if isinstance(value, date):
        return wording.day(value, "vi") if language == "vi" else value.isoformat()
    return str(value)


def _localised(part: str) -> str:
    """A share or a date inside a kept sentence, as Vietnamese writes it."""
    if re.fullmatch(r"\d+(\.\d+)?%", part):
        return f"{part[:-1].replace('.', ',')}\N{NO-BREAK SPACE}%"
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", part):
        return wording.day(date.fromisoformat(part), "vi")
    return part


@cache
def _sentences() -> tuple[tuple[re.Pattern[str], str], ...]:
    today = [(each["en"], each["vi"]) for key, each in entries().items() if each["en"].endswith(".")]
    return tuple((_pattern(english), vietnamese) for english, vietnamese in [*_yaml("reasons_before"), *today])


def _pattern(template: str) -> re.Pattern[str]:
    """A template with places in braces, as a pattern that finds what stands in them."""
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{part}>.+)" if n % 2 else re.escape(part) for n, part in enumerate(parts)))


def _yaml(name: str) -> Any:
    return shipped_yaml((files("maturity") / "texts" / f"{name}.yaml").read_text("utf-8"))
