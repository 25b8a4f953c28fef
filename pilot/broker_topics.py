"""Which topics mapping files give an account, and whether a topic speaks for the account's place. Pure."""

import re
from collections.abc import Iterable, Sequence

from ingest.mapping import PLACE, Mapping
from ingest.mapping.topics import tail
from ingest.route import Router
from ingest.sparkplug.host import Host
from pilot.errors import PilotError
from store.broker import BrokerAccount


def mapped_filters(account: BrokerAccount, mappings: Iterable[Mapping]) -> list[str]:
    """Topic filters of those mappings that lead to the account's place and nowhere else."""
    found = (_filter_for(account, mapping) for mapping in mappings)
    return [each for each in found if each]


def check_rights(account: BrokerAccount, filters: Sequence[str], mappings: Sequence[Mapping]) -> list[str]:
    """Refuse topics whose messages ingest would take for another place; returns those that it does not understand.

    Raises:
        PilotError: names the topic and the place that it speaks for.
    """
    router = Router(mappings, Host())
    silent = []
    for each in filters:
        sources = [router.source(topic) for topic in _samples(each)]
        for source in sources:
            place = f"{source.site}/{source.asset}".rstrip("/")
            if source.site and not _is_below(source.site, source.asset, account):
                raise PilotError(
                    f"Messages on {each} speak for {place}, not for {_place(account)}: not for this account."
                )
        if not any(source.site for source in sources):
            silent.append(each)
    return silent


def _is_below(site: str, asset: str, account: BrokerAccount) -> bool:
    prefix = account.asset_prefix
    return site == account.site and (not prefix or asset == prefix or asset.startswith(f"{prefix}/"))


def _place(account: BrokerAccount) -> str:
    return f"{account.site}/{account.asset_prefix}".rstrip("/")


def _samples(topic_filter: str) -> list[str]:
    """Topics that a filter takes, with a name that no asset has in the place of wildcards."""
    topic = topic_filter.replace("+", "any-other")
    if not topic.endswith("/#"):
        return [topic]
    head = topic.removesuffix("/#")
    rests = ("data", "any-other", "any-other/data", "_historian/any-other", "any-other/_historian/any-other")
    return [head, *(f"{head}/{rest}" for rest in rests)]


def _filter_for(account: BrokerAccount, mapping: Mapping) -> str:
    """The mapping's topic with what the account's place decides filled in; empty where that does not bind it."""
    if tail(mapping.topic) in {*PLACE.findall(mapping.site), *PLACE.findall(mapping.asset)} - {""}:
        return ""
    levels, templates = account.asset_prefix.split("/"), mapping.asset.split("/")
    if not account.asset_prefix:
        levels = []
    if len(templates) < len(levels):
        return ""
    known: dict[str, str] = {}
    for template, text in [(mapping.site, account.site), *zip(templates, levels, strict=False)]:
        solved = _solve(template, text)
        if solved is None or any(known.get(name, value) != value for name, value in solved.items()):
            return ""
        known |= solved
    return _filled(mapping.topic, known)


def _solve(template: str, text: str) -> dict[str, str] | None:
    """What the places of a template must be for it to say the text."""
    parts = PLACE.split(template)
    pattern = re.escape(parts[0])
    for name, after in zip(parts[1::2], parts[2::2], strict=True):
        pattern += f"(?P<{name}>[^/]+)" + re.escape(after)
    found = re.fullmatch(pattern, text)
    return found.groupdict() if found else None


def _filled(topic: str, known: dict[str, str]) -> str:
    levels = []
    for level in topic.split("/"):
        open_places = [name for name in PLACE.findall(level) if name not in known]
        if "..." in level:
            levels.append("#")
        elif not open_places:
            levels.append(PLACE.sub(lambda found: known[found[1]], level))
        elif level == f"{{{open_places[0]}}}":
            levels.append("+")
        else:
            return ""  # a wildcard is a whole level: it would reach beyond this pattern
    return "/".join(levels)
