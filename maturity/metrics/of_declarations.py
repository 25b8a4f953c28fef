"""Metrics `declared.*`: what no data of ours can show, said by somebody of the site with a digest of an attachment.

A declared value never looks measured: every result that rests on one says so.
"""

from functools import partial

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.reasons import because

METRICS = Metrics()
_NAMES = {
    "models_shared": ("1", "Partners (sites, suppliers, machine builders) that use a failure or quality model, live."),
    "suppliers_signalled": ("1", "Suppliers that the consumption signal reaches automatically."),
    "suppliers_reading_status": ("1", "Suppliers that read capacity or order status through an interface."),
    "customers_reading_status": ("1", "Customers that read capacity or order status through an interface."),
    "partner_interface_availability": ("1", "Availability of the interface that partners read."),
    "documented_reason": ("1", "1 where a documented reason stands in for the number."),
    "data_consumers": ("1", "External consumers that use a data product monthly."),
    "pcf_shared_share": ("1", "Share of the volume whose product carbon data went to the customer."),
}


def said(name: str, facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """What was declared under this name."""
    del scope, parameters
    given = facts.declared.get(name)
    if given is None or given.value is None:
        return Measured.nothing(
            because(
                "not_declared",
                command=f"`haidang maturity declare --metric declared.{name} --value N --attachment FILE`",
            )
        )
    return Measured(given.value, detail={"statement": given.statement, "attachment": given.attachment}, declared=True)


for _name, (_unit, _explanation) in _NAMES.items():
    METRICS.add(f"declared.{_name}", _unit, _explanation)(partial(said, _name))
