"""The series that PackML's usual tags are, and the texts of their numbers. Plain tables, nothing else."""

from typing import Any

from model.packml import MODES, STATES

# Tags (lower case, steps joined by a dot) and the series they are where a mapping says nothing else.
TAGS: dict[str, dict[str, Any]] = {
    "status.statecurrent": {"name": "state", "quantity": "state", "texts": "packml"},
    "status.statecurrentstr": {"name": "state_name", "quantity": "text"},
    "status.unitmodecurrent": {"name": "mode", "quantity": "mode", "texts": "packml"},
    "status.unitmodecurrentstr": {"name": "mode_name", "quantity": "text"},
    "status.curmachspeed": {"name": "machine_speed", "quantity": "number", "unit": "piece/min"},
    "status.machspeed": {"name": "machine_speed_setpoint", "quantity": "number", "unit": "piece/min"},
    "status.equipmentinterlock.blocked": {"name": "blocked", "quantity": "number"},
    "status.equipmentinterlock.starved": {"name": "starved", "quantity": "number"},
    "admin.machdesignspeed": {"name": "machine_design_speed", "quantity": "number", "unit": "piece/min"},
    "admin.prodprocessedcount.0.acccount": {"name": "total_count", "quantity": "total_count", "unit": "piece"},
    "admin.proddefectivecount.0.acccount": {"name": "reject_count", "quantity": "reject_count", "unit": "piece"},
    "admin.prodconsumedcount.0.acccount": {"name": "consumed_count", "quantity": "number", "kind": "counter"},
}


def table(quantity: str) -> dict[str, str]:
    """Texts of the numbers of a PackML tag: those of modes for a mode, else those of states."""
    return MODES if quantity == "mode" else STATES


def canonical(tag: str) -> str:
    """One spelling of a tag: `Admin/ProdProcessedCount[0]/AccCount` becomes `admin.prodprocessedcount.0.acccount`."""
    return ".".join(filter(None, tag.replace("[", ".").replace("]", "").replace("/", ".").split("."))).lower()
