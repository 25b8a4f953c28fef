"""Global warming potentials of gases and of blends: the shipped sets of the IPCC's reports, each with its source. Pure.

In: the name of a gas as records spell it, and a report. Out: kg CO2e per kg.
"""

from collections.abc import Mapping

from model.data import warming_potentials

_FORMULA = {"R14": "CF4", "R116": "C2F6", "R744": "CO2"}  # refrigerants that the tables list by their formula


class NoFactorError(KeyError):
    """No factor is known for what is asked: there is no result, never one with another factor."""

    def __str__(self) -> str:
        return str(self.args[0])


def gwp(gas: str, assessment: str) -> float:
    """Global warming potential over 100 years in kg CO2e per kg, of a gas or of a shipped blend.

    Raises:
        NoFactorError: the gas or the assessment report is not listed.
    """
    known = warming_potentials()
    listed = known["sets"].get(assessment.upper())
    if listed is None:
        raise NoFactorError(f"no set {assessment!r}; there are: {', '.join(known['sets'])}")
    name = _gas_name(gas)
    if name in known["blends"]:
        return blend_gwp(known["blends"][name], listed)
    if name not in listed:
        raise NoFactorError(f"{assessment} lists no {gas!r}")
    return float(listed[name])


def blend_gwp(mass_share: Mapping[str, float], component_gwp: Mapping[str, float]) -> float:
    """Potential of a blend by mass share; shares that add up to 100 are percent."""
    whole = 100.0 if abs(sum(mass_share.values()) - 100) < 1 else 1.0
    return sum(share * component_gwp[gas] for gas, share in mass_share.items()) / whole


def _gas_name(gas: str) -> str:
    """`R-404A`, `HFC-134a`, `PFC-14` and `r32` as the tables write them."""
    name = gas.strip().upper().replace(" ", "")
    for prefix in ("HCFC-", "HCFC", "HFC-", "HFC", "PFC-", "PFC", "R-"):
        if name.startswith(prefix):
            name = "R" + name.removeprefix(prefix)
            break
    known = warming_potentials()
    listed = {each.upper(): each for each in (*known["sets"]["AR6"], *known["blends"])}
    return str(listed.get(_FORMULA.get(name, name), gas))
