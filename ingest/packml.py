"""PackML as ISA-TR88.00.02 numbers it, and the series that its usual tags are. Plain tables, nothing else."""

from typing import Any

# Numbers of Status.StateCurrent, TR88.00.02 of 2015 and 2022.
STATES = {
    "0": "UNDEFINED",
    "1": "CLEARING",
    "2": "STOPPED",
    "3": "STARTING",
    "4": "IDLE",
    "5": "SUSPENDED",
    "6": "EXECUTE",
    "7": "STOPPING",
    "8": "ABORTING",
    "9": "ABORTED",
    "10": "HOLDING",
    "11": "HELD",
    "12": "UNHOLDING",
    "13": "SUSPENDING",
    "14": "UNSUSPENDING",
    "15": "RESETTING",
    "16": "COMPLETING",
    "17": "COMPLETE",
}
# Numbers of Status.UnitModeCurrent; from 4 on every maker has its own.
MODES = {"0": "INVALID", "1": "PRODUCTION", "2": "MAINTENANCE", "3": "MANUAL"}

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
