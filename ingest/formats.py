"""Who speaks on a topic of a mapping or of UMH, and how it is decoded: a topic in, a speaker out, or what is wrong."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ingest.decode import mapped, mtconnect_xml, shdr, single, umh
from ingest.decode.result import Decoded, shown
from ingest.decode.taken import Names, name_taken
from ingest.mapping import KEY, Mapping
from ingest.mapping.topics import fill
from ingest.names import series_name, site_key

MOST_LEVELS = 6
LONGEST_KEY = 200
UMH_PREFIX = "umh/v1/"
UMH_CONTRACTS = ("_historian", "_raw")
_UMH_LEVELS = 8  # enterprise, site and what is below
UMH_SUBSCRIPTIONS = [
    f"{UMH_PREFIX}{'+/' * levels}{contract}/#" for contract in UMH_CONTRACTS for levels in range(1, _UMH_LEVELS + 1)
]
_DECODERS: dict[str, Callable[..., Decoded]] = {
    "json": mapped.decode,
    "shdr": shdr.decode,
    "mtconnect_xml": mtconnect_xml.decode,
    "umh": umh.decode,
    "packml": single.decode,
    "number": single.decode,
}
# Formats that have a topic for each value or group: the device is what they have in common.
_MANY_TOPICS = ("umh", "packml", "number")
_ONE_VALUE = ("packml", "number")


class TopicError(ValueError):
    """A topic stands for no asset: listed code, a sentence, the site as far as it is known."""

    def __init__(self, code: str, detail: str, site: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.site = site


class Speaker(NamedTuple):
    """Who speaks on a topic."""

    site: str
    asset: str
    device: str
    protocol: str
    decode: Callable[..., Decoded]
    mapping: Mapping | None = None
    timed_by_receipt: bool = False
    location: str = ""  # as the topic names it, where site and asset are worked out from it
    tag: tuple[str, str] | None = None  # a series that the topic names: its name, and what it was made of


def of_mapping(topic: str, mapping: Mapping, segments: dict[str, str]) -> Speaker:
    """The speaker of a topic that a mapping names.

    Raises:
        TopicError: its path cannot be that of an asset.
    """
    site, asset = fill(mapping.site, segments), fill(mapping.asset, segments)
    check_asset(asset, site)
    here = mapping.at(segments)
    tag = mapping.tag_of(segments)
    arguments: dict[str, Any] = {"mapping": here}
    if mapping.identity:
        arguments["place"] = f"{site}/{asset}".rstrip("/")
    if mapping.format == "umh":
        arguments["path"] = tag
    elif mapping.format in _MANY_TOPICS:
        arguments["tag"] = tag
    if mapping.format not in _ONE_VALUE:
        arguments["names"] = Names(here)
    return Speaker(
        site=site,
        asset=asset,
        device=device_key(f"{mapping.format}/{asset or '(site)'}" if mapping.format in _MANY_TOPICS else topic, site),
        protocol="mapping" if mapping.format == "json" else mapping.format,
        decode=partial(_DECODERS[mapping.format], **arguments),
        mapping=here,
        timed_by_receipt=mapping.time.receive,
        tag=_tag(here, tag, site) if mapping.format in _MANY_TOPICS else None,
    )


def _tag(mapping: Mapping, tag: str, site: str) -> tuple[str, str] | None:
    """The series that a topic names without a rule, if it does.

    Raises:
        TopicError: a rule has its name.
    """
    if mapping.format == "umh":
        return (series_name(tag), tag) if tag else None
    rule = single.proposed(mapping, tag)
    if rule is None:
        return None
    listed = mapping.by_name.get(rule.name)
    if listed is not None:
        refusal = name_taken(tag, rule.name, listed.source)
        raise TopicError(refusal.code, refusal.detail, site)
    return rule.name, tag


def of_umh(topic: str) -> Speaker:
    """The speaker of a topic of UMH: the second level of the location is the site, the rest is the asset.

    Raises:
        TopicError: it has no location, or a data contract that is not kept here.
    """
    levels = topic.removeprefix(UMH_PREFIX).split("/")
    at = next((place for place, level in enumerate(levels) if level.startswith("_")), len(levels))
    location, contract, path = levels[:at], "".join(levels[at : at + 1]), levels[at + 1 :]
    if contract not in UMH_CONTRACTS or not location:
        kept = " or ".join(UMH_CONTRACTS)
        raise TopicError("unknown_topic", f"topic {shown(topic, 120)} has no location with {kept} behind it")
    site, asset = site_key(location[min(1, len(location) - 1)]), "/".join(location[2:])
    check_asset(asset, site)
    return Speaker(
        site=site,
        asset=asset,
        device=device_key("umh/" + "/".join(location), site),
        protocol="umh",
        decode=partial(umh.decode, path="/".join(path)),
        location="/".join(location),
        tag=(series_name("/".join(path)), "/".join(path)) if path else None,
    )


def device_key(key: str, site: str) -> str:
    """The key of a device, which an index of the database has room for.

    Raises:
        TopicError: it is too long.
    """
    if len(key) > LONGEST_KEY:
        detail = f"{shown(key, 120)} cannot be the name of a device: it has more than {LONGEST_KEY} characters"
        raise TopicError("bad_topic", detail, site)
    return key


def check_asset(asset: str, site: str) -> None:
    """Refuse what cannot be the path of an asset; no path is the site itself.

    Raises:
        TopicError: it cannot.
    """
    if asset.count("/") >= MOST_LEVELS or len(asset) > LONGEST_KEY:
        raise TopicError(
            "bad_topic", f"an asset path has at most {MOST_LEVELS} levels and {LONGEST_KEY} characters", site
        )
    if asset and not KEY.fullmatch(asset):
        detail = f"{shown(asset, 120)} cannot be the path of an asset: letters, digits, _ . - and no empty level"
        raise TopicError("bad_topic", detail, site)
