"""The choices at the top of a board: site, lines, grain and language of reasons."""

from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from dashboards.datasource import reference
from dashboards.statements import statement

GRAINS = ("auto", "hour", "shift", "day", "week", "month")


def site() -> QueryVariable:
    """One site; its value is the site's key."""
    return (
        QueryVariable("site")
        .label("Site")
        .datasource(reference())
        .query(statement("sites"))
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.DISABLED)
        .allow_custom_value(allow_custom_value=False)
    )


def line() -> QueryVariable:
    """Any number of the site's lines; a value is the line's path, beginning with the site's key."""
    return (
        QueryVariable("line")
        .label("Line")
        .datasource(reference())
        .query(statement("lines"))
        .multi(multi=True)
        .include_all(include_all=True)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.DISABLED)
        .allow_custom_value(allow_custom_value=False)
    )


def grain() -> CustomVariable:
    """Which stored windows to show; `auto` takes the grain that suits the range."""
    return _choice("grain", "Windows", {grain: grain for grain in GRAINS})


def language() -> CustomVariable:
    """In which language reasons are shown."""
    return _choice("lang", "Reasons in", {"English": "en", "Tiếng Việt": "vi"})


def _choice(name: str, label: str, values: dict[str, str]) -> CustomVariable:
    options = [
        VariableOption(selected=not index, text=text, value=value) for index, (text, value) in enumerate(values.items())
    ]
    return (
        CustomVariable(name)
        .label(label)
        .values(",".join(f"{text} : {value}" for text, value in values.items()))
        .options(options)
        .current(options[0])
        .multi(multi=False)
        .include_all(include_all=False)
        .allow_custom_value(allow_custom_value=False)
    )
