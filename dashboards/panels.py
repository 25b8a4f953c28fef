"""House defaults of all boards: what a number, a course over time, a table looks like here.

Gaps are drawn as gaps everywhere: no course ever connects over a window without a stored value.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import barchart, common, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from dashboards.datasource import Sql, reference

NO_VALUE = "–"
STAT_HEIGHT = 5
CHART_HEIGHT = 8
FULL_WIDTH = 24


def number(title: str, sql: str, unit: str, about: str) -> stat.Panel:
    """The newest stored value per line: the statement gives (line, window, value) rows."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(reference())
        .with_target(Sql(sql, "table"))
        .unit(unit)
        .decimals(1)
        .no_value(NO_VALUE)
        .thresholds(_neutral())
        .graph_mode(choices.BigValueGraphMode.NONE)
        .color_mode(choices.BigValueColorMode.NONE)
        .text_mode(choices.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(common.ReduceDataOptions().values(values=True).calcs([]).fields("/^value$/"))
        .height(STAT_HEIGHT)
    )


def course(title: str, sql: str, unit: str, about: str) -> timeseries.Panel:
    """Stored values over time: a step lasts as long as its window, a window without a value is a gap."""
    return (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(reference())
        .with_target(Sql(sql))
        .unit(unit)
        .no_value(NO_VALUE)
        .min(0)
        .draw_style(choices.GraphDrawStyle.LINE)
        .line_interpolation(choices.LineInterpolation.STEP_AFTER)
        .line_width(2)
        .fill_opacity(8)
        .show_points(choices.VisibilityMode.AUTO)
        .span_nulls(span_nulls=False)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(choices.TooltipDisplayMode.MULTI).sort(choices.SortOrder.NONE))
        .height(CHART_HEIGHT)
    )


def amounts(title: str, sql: str, unit: str, about: str) -> timeseries.Panel:
    """Stored amounts over time as bars side by side."""
    return (
        course(title, sql, unit, about)
        .draw_style(choices.GraphDrawStyle.BARS)
        .line_interpolation(choices.LineInterpolation.LINEAR)
        .line_width(1)
        .fill_opacity(70)
        .show_points(choices.VisibilityMode.NEVER)
    )


def ranking(title: str, sql: str, unit: str, about: str, *, by: str) -> barchart.Panel:
    """Horizontal bars, the longest first; `by` is the column that names them."""
    return (
        barchart.Panel()
        .title(title)
        .description(about)
        .datasource(reference())
        .with_target(Sql(sql, "table"))
        .unit(unit)
        .decimals(1)
        .no_value(NO_VALUE)
        .x_field(by)
        .orientation(choices.VizOrientation.HORIZONTAL)
        .show_value(choices.VisibilityMode.AUTO)
        .line_width(1)
        .fill_opacity(80)
        .gradient_mode(choices.GraphGradientMode.NONE)
        .legend(common.VizLegendOptions().show_legend(show_legend=False))
        .height(CHART_HEIGHT)
    )


def timeline(
    title: str, sql: str, about: str, *, row: str, colors: Sequence[tuple[str, str, str]]
) -> statetimeline.Panel:
    """States side by side, one row per value of column `row`; `colors` are (stored value, text, colour)."""
    mapping = {
        value: ValueMappingResult(text=text, color=color, index=index)
        for index, (value, text, color) in enumerate(colors)
    }
    # The rows' times differ: in one wide frame each row would be null at the others' times, so it gets its own frame.
    apart = DataTransformerConfig(id_val="partitionByValues", options={"fields": [row], "naming": {"asLabels": True}})
    return (
        statetimeline.Panel()
        .title(title)
        .description(about)
        .datasource(reference())
        .with_target(Sql(sql, "table"))
        .with_transformation(apart)
        .display_name(f"${{__field.labels.{row}}}")
        .mappings([ValueMap(options=mapping)])
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(_neutral())
        .merge_values(merge_values=False)
        .show_value(choices.VisibilityMode.NEVER)
        .row_height(0.85)
        .fill_opacity(85)
        .line_width(0)
        .legend(_legend())
        .height(CHART_HEIGHT + 2)
    )


def rows(title: str, sql: str, about: str, *, alarm_unless_zero: Sequence[str] = ()) -> table.Panel:
    """A table; numbers of the columns in `alarm_unless_zero` turn red when they are not 0."""
    panel = (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(reference())
        .with_target(Sql(sql, "table"))
        .no_value(NO_VALUE)
        .filterable(filterable=True)
        .cell_height(choices.TableCellHeight.SM)
        .height(CHART_HEIGHT)
    )
    for column in alarm_unless_zero:
        panel.override_by_name(column, _red_unless_zero())
    return panel


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(choices.LegendDisplayMode.LIST)
        .placement(choices.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs([])
    )


def _neutral() -> dashboard.ThresholdsConfig:
    """What is good or bad is the factory's to say (targets), not a dashboard's."""
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(None, "text")])


def _red_unless_zero() -> list[DynamicConfigValue]:
    steps = [Threshold(None, "red"), Threshold(0, "green"), Threshold(1, "red")]
    return [
        DynamicConfigValue("thresholds", {"mode": "absolute", "steps": steps}),
        DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
    ]
