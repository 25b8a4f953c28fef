"""What people and other systems write down about a plant of a fleet: events, runs, corrections, business records.

In: chance and the first instant. Out: rows of `kpi.frames` EVENTS, ANNOTATIONS (without number) and RECORDS.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.unit.kpi.compute.plants import MINUTE

Event = tuple[str, int, str, str, int | None, int | None, str]
Note = tuple[str, int, int, str | None, str | None]
Record = tuple[str, str, str, int, int | None, str]
KINDS = ("stop_reason", "stop_reason", "product_change", "job_change")


def changes(chance: Random, unit: str, start: int) -> Iterator[Event]:
    """Reasons of stops, changes of product and job, told by the unit."""
    for at in sorted(chance.sample(range(4500), chance.choice([0, 2, 8]))):
        yield (
            unit,
            start + at * MINUTE,
            chance.choice(KINDS),
            chance.choice(["jam", "change", "other", "p"]),
            *(
                None,
                None,
                "{}",
            ),
        )


def runs(chance: Random, unit: str, start: int) -> Iterator[Event]:
    """Records of slots of 4 h, some shared, some that overlap, some without cycles, some over a border."""
    for number in range(chance.choice([0, 3, 8])):
        begin = start + chance.randint(0, 20) * 240 * MINUTE
        end = begin + chance.choice([240, 240, 240, 300]) * MINUTE
        cycles = chance.choice([0, 0, 100, 333])
        reject: Any = {"short": cycles // 7, "burn": 0}
        payload = {"product": chance.choice(["p", "q", ""]), "cycles": cycles, "good": cycles * 2, "reject": reject}
        yield unit, begin, "production_run", f"r{number}", begin, end, json.dumps(payload)


def corrections(chance: Random, line: str, start: int) -> Iterator[Note]:
    """Corrections that overlap each other and planned stops, newer ones on top."""
    for _ in range(chance.choice([0, 2, 5])):
        begin = start + chance.randint(0, 4300) * MINUTE
        end = begin + chance.randint(1, 600) * MINUTE
        reason = chance.choice(["jam", "change", "meeting", "other", "odd", None])
        yield f"{line}/m{chance.choice([1, 1, 2])}", begin, end, reason, chance.choice(["p", None])


def business(chance: Random, line: str, start: int) -> Iterator[Record]:
    """Maintenance, inspections, orders, attendance and fuel, one of which may not have ended yet."""
    payloads: dict[str, dict[str, Any]] = {
        "maintenance": {"type": chance.choice(["corrective", "preventive"])},
        "inspection": {"inspected": 50, "first_pass_good": 47, "defects": chance.randint(0, 9)},
        "order": {"transport_s": 60, "planned_scrap": 3},
        "attendance": {"work_s": 3600, "attendance_s": 4000},
        "refrigerant": {"gas": "R-32", "mass_kg": 1.5},
    }
    for number, kind in enumerate(chance.sample(sorted(payloads), chance.choice([0, 2, 4]))):
        begin = start + chance.randint(-300, 4500) * MINUTE
        end = None if chance.random() < 0.2 else begin + chance.randint(1, 900) * MINUTE
        asset = line if kind == "attendance" else f"{line}/m{chance.choice([1, 2])}"
        yield asset, kind, f"b{number}", begin, end, json.dumps(payloads[kind])
