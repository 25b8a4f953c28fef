"""Who speaks on a topic of a mapping or of UMH, and how it is decoded: a topic in, a speaker out, or what is wrong."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ingest.decode import mapped, mtconnect_xml, shdr, single, umh
from ingest.decode.result import Decoded, shown
from ingest.mapping import KEY, Mapping
from ingest.mapping.topics import fill
from ingest.names import site_key

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


def of_mapping(topic: str, mapping: Mapping, segments: dict[str, str]) -> Speaker:
    """The speaker of a topic that a mapping names.

    Raises:
        TopicError: its path cannot be that of an asset.
    """
    site, asset = fill(mapping.site, segments), fill(mapping.asset, segments)
    check_asset(asset, site)
    here = mapping.at(segments)
    arguments: dict[str, Any] = {"mapping": here}
    if mapping.identity:
        arguments["place"] = f"{site}/{asset}".rstrip("/")
    if mapping.format == "umh":
        arguments["path"] = mapping.tag_of(segments)
    elif mapping.format in _MANY_TOPICS:
        arguments["tag"] = mapping.tag_of(segments)
    return Speaker(
        site=site,
        asset=asset,
        device=f"{mapping.format}/{asset or '(site)'}" if mapping.format in _MANY_TOPICS else topic,
        protocol="mapping" if mapping.format == "json" else mapping.format,
        decode=partial(_DECODERS[mapping.format], **arguments),
        mapping=here,
        timed_by_receipt=mapping.time.receive,
    )


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
    return Speaker(site, asset, "umh/" + "/".join(location), "umh", partial(umh.decode, path="/".join(path)))


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
