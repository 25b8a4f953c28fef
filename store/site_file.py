"""The site file: YAML written by an engineer -> validated rows of the registry. Durations end in their unit."""

from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, model_validator

from model.metering import METER_KIND, METERED, relation_problems
from model.registry import AssetRelation
from store.csv_tables import expand_tables
from store.errors import InvalidConfigurationError
from store.site_parts.assets import (
    AssetPart,
    JobPart,
    ProductPart,
    ReasonPart,
    RoutingPart,
    SpecLimitPart,
    StatePart,
    TargetPart,
)
from store.site_parts.base import Part
from store.site_parts.calendar import CalendarPart
from store.site_parts.emissions import FactorSetPart
from store.site_parts.energy import EnergyContractPart, RelationPart, TariffPart
from store.site_parts.head import QuotaPart, SiteHead


class SiteFile(Part):
    """A whole site file."""

    site: SiteHead
    quota: QuotaPart = QuotaPart()
    assets: tuple[AssetPart, ...]
    reasons: tuple[ReasonPart, ...] = ()
    state_map: tuple[StatePart, ...] = ()
    products: tuple[ProductPart, ...] = ()
    routings: tuple[RoutingPart, ...] = ()
    calendars: tuple[CalendarPart, ...] = ()
    jobs: tuple[JobPart, ...] = ()
    targets: tuple[TargetPart, ...] = ()
    spec_limits: tuple[SpecLimitPart, ...] = ()
    factor_sets: tuple[FactorSetPart, ...] = ()
    energy_contracts: tuple[EnergyContractPart, ...] = ()
    tariffs: tuple[TariffPart, ...] = ()
    relations: tuple[RelationPart, ...] = ()

    @model_validator(mode="after")
    def _references_exist(self) -> "SiteFile":
        problems = [*self._unknown_assets(), *self._unknown_products(), *self._unknown_reasons(), *self._impossible()]
        problems += [*self._shares_above_one(), *self._unknown_series()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unknown_assets(self) -> list[str]:
        known = {asset.key for asset in self.assets}
        used = {
            **{asset.key.rsplit("/", 1)[0]: f"parent of {asset.key}" for asset in self.assets if "/" in asset.key},
            **{a.constraint: f"constraint of {a.key}" for a in self.assets if a.constraint},
            **{a.last: f"last of {a.key}" for a in self.assets if a.last},
            **{part.asset: "state_map" for part in self.state_map if part.asset},
            **{part.asset: "routings" for part in self.routings if part.asset},
            **{part.asset: "calendars" for part in self.calendars if part.asset},
            **{part.asset: f"job {part.key}" for part in self.jobs},
            **{key: "relations" for part in self.relations for key in (part.from_, part.to)},
            **{part.asset: f"target {part.kpi}" for part in self.targets if part.asset},
        }
        return [f"{where}: asset {key!r} is not in assets" for key, where in used.items() if key not in known]

    def _unknown_series(self) -> list[str]:
        known = {(asset.key, series.name) for asset in self.assets for series in asset.series}
        used = [(part.asset, part.series) for part in self.spec_limits if part.series is not None]
        return [
            f"spec_limits: series {name!r} is not in asset {asset!r}"
            for asset, name in used
            if (asset, name) not in known
        ]

    def _unknown_reasons(self) -> list[str]:
        parents = {part.key: part.parent for part in self.reasons}
        missing = [
            f"reason {key!r}: parent {up!r} is not in reasons"
            for key, up in parents.items()
            if up and up not in parents
        ]
        return missing or [f"reason {key!r} is its own ancestor" for key in parents if _in_ring(key, parents)]

    def _shares_above_one(self) -> list[str]:
        held = [part for part in self.energy_contracts if part.share is not None]
        sums = {
            start: sum(each.share or 0.0 for each in held if each.valid_from <= start < (each.valid_to or date.max))
            for start in sorted({part.valid_from for part in held})
        }
        return [
            f"energy_contracts: shares from {start} on add up to {share:g}"
            for start, share in sums.items()
            if share > 1 + 1e-9
        ]

    def _impossible(self) -> list[str]:
        """Say which relations between meters cannot be, at any of the instants from which one holds."""
        measures = {a.key for a in self.assets if any(each.quantity in METERED for each in a.series)}
        own = {a.key for a in self.assets if a.key in measures and a.kind != METER_KIND}
        parents = {a.key: a.key.rpartition("/")[0] or None for a in self.assets}
        problems: list[str] = []
        for at in sorted({part.valid_from for part in self.relations}):
            held = [
                AssetRelation(from_asset=part.from_, to_asset=part.to, kind=part.kind, share=part.share)
                for part in self.relations
                if part.valid_from <= at and (part.valid_to is None or at < part.valid_to)
            ]
            problems += [f"relations: {problem}" for problem in relation_problems(held, measures, own, parents)]
        return list(dict.fromkeys(problems))

    def _unknown_products(self) -> list[str]:
        known = {product.key for product in self.products}
        used = {part.product for part in self.routings if part.product}
        used |= {part.product for part in self.jobs if part.product}
        used |= {part.product for part in self.spec_limits if part.product}
        return [f"product {key!r} is used but not in products" for key in sorted(used - known)]


def read_site_file(path: Path, data: Path | None = None) -> SiteFile:
    """Read and check a site file; lists kept as CSV tables are read from the folder `data` (default: beside the file).

    Raises:
        InvalidConfigurationError: one line per mistake, with its place in the file.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
        return SiteFile.model_validate(expand_tables(document, data or path.parent))
    except OSError as error:
        raise InvalidConfigurationError(f"{error.filename}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InvalidConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        lines = [f"{path}: {_place(entry['loc'])}: {entry['msg']}" for entry in error.errors()]
        raise InvalidConfigurationError("\n".join(lines)) from error


def _in_ring(key: str, parents: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    up: str | None = key
    while up is not None and up not in seen:
        seen.add(up)
        up = parents.get(up)
    return up is not None


def _place(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location) or "file"
