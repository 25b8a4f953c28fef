"""PackML as ISA-TR88.00.02 numbers it: plain tables, the numbers as text."""

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
    "17": "COMPLETED",  # COMPLETE before the edition of 2022
}
# Numbers of Status.UnitModeCurrent; from 4 on every maker has its own.
MODES = {"0": "INVALID", "1": "PRODUCTION", "2": "MAINTENANCE", "3": "MANUAL"}
