"""How the time classes look: text and colour for every value that the state timeline can show."""

from model.vocabulary import SubClass, TimeClass

_COLORS = {
    TimeClass.PRODUCTION: "#3d9a50",
    TimeClass.SETUP: "#4a7fc1",
    TimeClass.DELAY: "#e0a030",
    TimeClass.DOWN_NO_ORDER: "#8a6fb0",
    TimeClass.PLANNED_DOWN: "#7fa8c9",
    TimeClass.NOT_SCHEDULED: "#5a5f66",
    TimeClass.UNKNOWN: "#b9bec5",
}
_DELAY_COLORS = {
    SubClass.FAULT: "#c9403a",
    SubClass.STARVED: "#d9772f",
    SubClass.BLOCKED: "#b5651d",
    SubClass.MICRO_STOP: "#ead36a",
    SubClass.OTHER: "#e0a030",
}


def palette() -> list[tuple[str, str, str]]:
    """All (value, text, colour) in the order of the legend; a value is `class` or `class/sub_class`."""
    shown: list[tuple[str, str, str]] = []
    for time_class in TimeClass:
        shown.append((time_class.value, _text(time_class.value), _COLORS[time_class]))
        shown.extend(_sub_classes(time_class))
    return shown


def _sub_classes(time_class: TimeClass) -> list[tuple[str, str, str]]:
    """A reason or an annotation can give any stop a sub-class; only delays are coloured by it."""
    stopped = (TimeClass.SETUP, TimeClass.DELAY, TimeClass.DOWN_NO_ORDER, TimeClass.PLANNED_DOWN, TimeClass.UNKNOWN)
    if time_class not in stopped:
        return []
    colors = _DELAY_COLORS if time_class is TimeClass.DELAY else dict.fromkeys(_DELAY_COLORS, _COLORS[time_class])
    return [(f"{time_class}/{sub}", f"{_text(time_class)}: {_text(sub)}", color) for sub, color in colors.items()]


def _text(value: str) -> str:
    return value.replace("_", " ")
