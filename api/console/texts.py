"""The console's texts: one YAML file per language, the same keys in each."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from model.shipped import shipped_yaml

LANGUAGES = ("vi", "en")
DEFAULT_LANGUAGE = "vi"


@dataclass(frozen=True)
class Texts:
    """The texts of one language; calling it fills the places of a text."""

    language: str
    entries: dict[str, str]

    def __call__(self, key: str, **places: object) -> str:
        text = self.entries[key]
        return text.format(**places) if places else text

    def of_class(self, time_class: str, sub_class: str = "") -> str:
        """Name of a time class, or of the kind of stop where that is known."""
        return self.entries.get(f"sub.{sub_class}") or self.entries[f"class.{time_class}"]

    def of_flag(self, flag: str) -> str:
        """What a flag of a value means, on an open day also why it has none; an unknown one as it is written."""
        return self.entries.get(f"flag.{flag}") or self.entries.get(f"status.{flag}", flag)

    def of_reason(self, code: str) -> str | None:
        """What a code of refusal means in this language; null for a code that is not listed."""
        return self.entries.get(f"reason.{code}")


@cache
def load(language: str) -> Texts:
    """Read the texts of a language, once."""
    text = (files("api.console") / "texts" / f"{language}.yaml").read_text("utf-8")
    return Texts(language, {str(key): str(value) for key, value in shipped_yaml(text).items()})


def choose(asked: str | None, remembered: str | None, accepted: str) -> str:
    """Language of an answer: as asked, else as remembered, else the browser's, else Vietnamese."""
    for wish in (asked, remembered):
        if wish in LANGUAGES:
            return str(wish)
    for part in accepted.split(","):
        language = part.split(";")[0].strip()[:2].lower()
        if language in LANGUAGES:
            return language
    return DEFAULT_LANGUAGE
