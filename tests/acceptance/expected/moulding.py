"""Moulding shop: slots, pieces and OEE per machine and shift, straight from the CSV files."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

SLOT_S = 8 * 3600


@dataclass(frozen=True)
class Slot:
    """What one machine did in one shift; `ideal_s` sums shots times the standard cycle of the mould."""

    shots: int
    total: int
    good: int
    ideal_s: float
    ideal_good_s: float

    @property
    def production_s(self) -> int:
        return SLOT_S if self.shots else 0

    @property
    def availability(self) -> float:
        return self.production_s / SLOT_S

    @property
    def effectiveness(self) -> float | None:
        return self.ideal_s / SLOT_S if self.shots else None

    @property
    def oee(self) -> float:
        return self.ideal_good_s / SLOT_S

    @property
    def oee_capped(self) -> float:
        if self.effectiveness is None:
            return 0.0
        return self.availability * min(1.0, self.effectiveness) * self.ideal_good_s / self.ideal_s


def slots(folder: Path) -> dict[tuple[str, str, str], Slot]:
    """By date, shift and machine; a slot with two records holds both."""
    cycles = {row["moldNo"]: float(row["moldSettingCycle"]) for row in _rows(folder / "molds.csv")}
    records: defaultdict[tuple[str, str, str], list[dict[str, str]]] = defaultdict(list)
    for row in _rows(folder / "production_2018-11.csv"):
        records[row["recordDate"], row["workingShift"], row["machineNo"]].append(row)
    return {key: _slot(rows, cycles) for key, rows in records.items()}


def _slot(rows: list[dict[str, str]], cycles: dict[str, float]) -> Slot:
    shots = total = good = 0
    ideal_s = ideal_good_s = 0.0
    for row in rows:
        made = _number(row["moldShot"])
        if not made:
            continue
        ideal = made * cycles[row["moldNo"]]
        shots, total = shots + made, total + _number(row["itemTotalQuantity"])
        good += _number(row["itemGoodQuantity"])
        ideal_s += ideal
        ideal_good_s += ideal * _number(row["itemGoodQuantity"]) / _number(row["itemTotalQuantity"])
    return Slot(shots, total, good, ideal_s, ideal_good_s)


def _number(text: str) -> int:
    return int(float(text)) if text.strip() else 0


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))
