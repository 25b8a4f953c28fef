"""Steel works: energy, demand, load factor and CO2e per month, straight from the CSV file."""

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

KG_PER_KWH = 0.466  # the factor set of the example
QUARTER_H = 0.25


@dataclass
class Month:
    """Energies of the quarters of an hour of one month, in order of time."""

    kwh: list[float] = field(default_factory=list)

    @property
    def energy_kwh(self) -> float:
        return sum(self.kwh)

    @property
    def demand_peak_kw(self) -> float:
        return max(self.kwh) / QUARTER_H

    @property
    def load_factor(self) -> float:
        return self.energy_kwh / (self.demand_peak_kw * len(self.kwh) * QUARTER_H)

    @property
    def co2e_kg(self) -> float:
        return self.energy_kwh * KG_PER_KWH


def interval_end(label: str) -> datetime:
    """Local end of the interval; `00:00` carries the date of the day that it closes."""
    end = datetime.strptime(label, "%d/%m/%Y %H:%M")  # noqa: DTZ007 - local wall time, no summer time there
    return end + timedelta(days=1) if (end.hour, end.minute) == (0, 0) else end


def months(folder: Path) -> dict[date, Month]:
    """By the month in which the interval lies."""
    found: defaultdict[date, Month] = defaultdict(Month)
    with gzip.open(folder / "steel_2018-01_2018-09.csv.gz", "rt", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            start = interval_end(row["date"]) - timedelta(minutes=15)
            found[start.date().replace(day=1)].kwh.append(float(row["Usage_kWh"]))
    return dict(found)
