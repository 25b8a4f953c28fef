"""Kinds of business records and what a record of each may state: the one place that importers, the KPI job,
criteria and the documentation read.

Beside its own fields every record has key, asset (empty = the site), from and to (empty = still open).
"""

from collections.abc import Mapping

from model.record_fields import RecordSet, by_field, choice_field, number_field, text_field, time_field, yes_no_field

_IN_KPIS = "KPIs: in the time in which it ends"
_OVER_TIME = "KPIs: over its time"
_BEGINS = "criteria: those that begin in the window"
_ENDS = "criteria: those that end in the window"
_DUE = "criteria: those that end in the window, and open ones that are overdue at its end"

_SETS = (
    RecordSet(
        "order",
        "A production or customer order",
        f"{_IN_KPIS}; {_DUE}",
        (
            time_field("due", "promised end"),
            time_field("planned_to", "planned end"),
            number_field("quantity", "ordered pieces"),
            number_field("delivered", "delivered pieces"),
            time_field("released", "when the other system released it"),
            time_field("received", "when it was there by interface"),
            number_field("transport_s", "time in transport, s"),
            number_field("queuing_s", "time in queues, s"),
            number_field("planned_scrap", "planned scrap, pieces"),
            number_field("capacity", "production capacity, pieces"),
            number_field("first_operation_quantity", "pieces of the first operation"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "maintenance",
        "A maintenance task",
        f"{_IN_KPIS}; {_DUE}",
        (
            text_field("type", "preventive or corrective"),
            number_field("duration_s", "time spent, s; without it from its beginning to its end"),
            time_field("due", "by when it was to be done"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "inspection",
        "An inspection of pieces",
        _IN_KPIS,
        (
            number_field("inspected", "inspected pieces"),
            number_field("first_pass_good", "good at the first time"),
            number_field("reworked_good", "good after rework"),
            number_field("rework", "pieces to rework"),
            number_field("failed", "failed for good"),
            number_field("defects", "defects found"),
            number_field("opportunities", "opportunities for a defect"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "attendance",
        "Working time of people",
        _IN_KPIS,
        (number_field("work_s", "time worked on orders, s"), number_field("attendance_s", "time attended, s")),
        in_kpis=True,
    ),
    RecordSet(
        "inventory",
        "A reading of stock between stations, or an account of material",
        f"{_IN_KPIS}; {_BEGINS}",
        (
            number_field("stock", "pieces between the stations"),
            number_field("minimum", "least allowed"),
            number_field("maximum", "most allowed"),
            text_field("next", "station after the stock, where the asset before it feeds several"),
            number_field("throughput", "amount that went through"),
            number_field("average_stock", "mean amount in stock"),
            number_field("consumed", "amount consumed"),
            number_field("integrated_good", "amount in good products"),
            number_field("production_loss", "amount lost in production"),
            number_field("storage_transport_loss", "amount lost in storage and transport"),
            number_field("other_loss", "amount lost otherwise"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "energy",
        "Energy of media other than electricity and fuels, or exchanged with others",
        _IN_KPIS,
        (
            text_field("medium", "steam, compressed air, ..."),
            number_field("amount", "amount"),
            number_field("mj_per_unit", "MJ of one unit of the amount"),
            text_field("source", "where the conversion comes from"),
            number_field("exchanged_mj", "energy taken from others, MJ; negative = given away"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "fuel",
        "Fuel burned",
        _OVER_TIME,
        (
            text_field("fuel", "a fuel of the site's set"),
            number_field("amount", "amount"),
            text_field("unit", "unit of mass, volume or net energy"),
            number_field("density_kg_per_l", "density, where the set has none"),
            number_field("ncv_tj_per_gg", "net calorific value, where the set has none"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "refrigerant",
        "Refrigerant lost",
        _OVER_TIME,
        (text_field("gas", "the gas"), number_field("amount", "amount"), text_field("unit", "unit of mass")),
        in_kpis=True,
    ),
    RecordSet(
        "precursor",
        "A precursor that went into goods",
        _IN_KPIS,
        (
            number_field("mass_t", "mass, t"),
            number_field("see_direct", "direct specific embedded emissions, t CO2e/t"),
            number_field("see_indirect", "indirect specific embedded emissions, t CO2e/t"),
        ),
        in_kpis=True,
    ),
    RecordSet(
        "work_order",
        "A work order of the maintenance system",
        "criteria: those that lie in the window, wholly or partly",
        (
            text_field("alarm", "key of the alarm that it answers"),
            by_field("opened_by", "who opened it"),
        ),
    ),
    RecordSet(
        "plan",
        "A production plan of a shift",
        f"{_BEGINS}; planned hours: those inside the window",
        (
            time_field("recorded", "when the plan was recorded"),
            number_field("planned_quantity", "planned pieces"),
            text_field("shift", "key of the shift"),
        ),
    ),
    RecordSet(
        "replan",
        "A new released plan after a disruption (to: when it was released)",
        _ENDS,
        (time_field("disruption", "when the disruption began", required=True),),
    ),
    RecordSet(
        "milk_run",
        "A milk run or replenishment tour (from: when it began)",
        _BEGINS,
        (time_field("planned", "time of the timetable", required=True),),
    ),
    RecordSet(
        "replenishment",
        "A replenishment of a part",
        _BEGINS,
        (
            choice_field("signal", ("electronic", "other"), "how it was called", required=True),
            choice_field("part_class", ("A", "B", "C"), "class of the part; empty counts as A"),
        ),
    ),
    RecordSet(
        "tag_read",
        "A container or order that passed (from: when it was read)",
        _BEGINS,
        (
            yes_no_field("tagged", "identified by a tag", required=True),
            time_field("visible", "when the system showed it"),
        ),
    ),
    RecordSet(
        "trace",
        "A unit or lot that was made",
        _BEGINS,
        (
            text_field("machine", "the machine; without it the asset of the record"),
            yes_no_field("parameters", "process parameters are linked", required=True),
        ),
    ),
    RecordSet(
        "mission",
        "An internal transport",
        _BEGINS,
        (by_field("triggered_by", "who triggered it", required=True),),
    ),
    RecordSet(
        "call_off",
        "A call-off to a supplier",
        _BEGINS,
        (by_field("sent_by", "who sent it", required=True),),
    ),
    RecordSet(
        "shutdown",
        "An idle period of a machine",
        _BEGINS,
        (
            number_field("idle_s", "length of the idle period, s", required=True),
            by_field("by", "who ended or shifted the load; empty = nobody"),
        ),
    ),
    RecordSet(
        "deviation",
        "A deviation of a process",
        _BEGINS,
        (by_field("corrected_by", "who corrected it", required=True),),
    ),
    RecordSet(
        "problem",
        "A record of problem solving (to: when its actions were closed)",
        f"{_BEGINS}; closing: those that are closed in the window, and open ones older than 30 days at its end",
        (
            time_field("stop", "when the stop began that it is about"),
            text_field("trigger", "key of the trigger that it answers"),
            text_field("part", "missing part"),
            by_field("flagged_by", "who flagged the missing part"),
            time_field("cause_found", "when the root cause was recorded"),
            by_field("resolved_by", "who diagnosed and resolved it"),
        ),
    ),
    RecordSet(
        "trigger_rule",
        "A rule in force that triggers problem solving on a line",
        "criteria: those in force in the window",
        (text_field("rule", "when a problem is to be solved", required=True),),
    ),
    RecordSet("trigger", "An event that triggers problem solving", _BEGINS, (text_field("shift", "key of the shift"),)),
    RecordSet(
        "onboarding",
        "One more machine connected (from: decision, to: first data)",
        _ENDS,
        (),
    ),
    RecordSet(
        "model_review",
        "A review of how a model or rule in use performed (from, to: the time that it looks at)",
        _ENDS,
        (
            text_field("model", "the model or rule, as predictions or alerts name it", required=True),
            text_field("use_case", "what it is used for, counted once; empty = the model"),
            number_field("days_used", "days of that time with its use; empty = those with predictions or alerts of it"),
            number_field("performance", "what was found, in the measure that the site chose", required=True),
        ),
    ),
    RecordSet(
        "model_release",
        "A release of a model that was trained again (from: training began, to: it went live)",
        _ENDS,
        (
            text_field("model", "the model", required=True),
            by_field("trained_by", "who started the training", required=True),
            by_field("released_by", "who put it live", required=True),
            time_field("approved", "when its approval was logged"),
        ),
    ),
)
RECORD_SETS: Mapping[str, RecordSet] = {each.kind: each for each in _SETS}
