"""What a product footprint must carry to be exchanged (PACT Technical Specifications); checks a document for it.

Documents are made in version 3. Source: https://github.com/wbcsd/data-exchange-protocol, spec/v3/openapi.yaml and, for
the older version 2.3, spec/v2/openapi.yaml. A figure of one site is partial (gate to gate): whoever passes it on must
say so.
"""

from collections.abc import Mapping
from typing import Any

REQUIRED: dict[str, dict[str, tuple[str, ...]]] = {
    "3": {
        "footprint": (
            *("id", "specVersion", "created", "status", "companyName", "companyIds", "productDescription"),
            *("productIds", "productNameCompany", "pcf"),
        ),
        "pcf": (
            *("declaredUnitOfMeasurement", "declaredUnitAmount", "productMassPerDeclaredUnit"),
            *("referencePeriodStart", "referencePeriodEnd", "pcfExcludingBiogenicUptake"),
            *("pcfIncludingBiogenicUptake", "fossilGhgEmissions", "fossilCarbonContent"),
            *("ipccCharacterizationFactors", "crossSectoralStandards", "exemptedEmissionsPercent"),
        ),
    },
    "2": {
        "footprint": (
            *("id", "specVersion", "version", "created", "status", "comment", "companyName", "companyIds"),
            *("productDescription", "productIds", "productCategoryCpc", "productNameCompany", "pcf"),
        ),
        "pcf": (
            *("declaredUnit", "unitaryProductAmount", "referencePeriodStart", "referencePeriodEnd"),
            *("pCfExcludingBiogenic", "fossilGhgEmissions", "fossilCarbonContent", "biogenicCarbonContent"),
            *("characterizationFactors", "ipccCharacterizationFactorsSources", "crossSectoralStandardsUsed"),
            *("boundaryProcessesDescription", "exemptedEmissionsPercent", "exemptedEmissionsDescription"),
            "packagingEmissionsIncluded",
        ),
    },
}


def required(version: str) -> dict[str, tuple[str, ...]] | None:
    """Required fields by part of a version such as 3.0, None for one that is not known here."""
    return REQUIRED.get(version.strip().lower().removeprefix("v").partition(".")[0])


def missing(document: Mapping[str, Any]) -> list[str]:
    """Paths of the fields that its version requires and a document has not; an empty text or list counts as missing.

    A document that does not say its version, or one that is not known here, is checked as one of version 3.
    """
    wanted = required(str(document.get("specVersion", ""))) or REQUIRED["3"]
    parts = {"footprint": document, "pcf": document.get("pcf")}
    found = []
    for part, names in wanted.items():
        held = parts[part]
        prefix = "" if part == "footprint" else f"{part}."
        values = held if isinstance(held, Mapping) else {}
        found += [f"{prefix}{name}" for name in names if values.get(name) in (None, "", [], {})]
    return found
