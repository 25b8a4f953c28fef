"""`haidang kpi footprint`: the partial footprint of a product as a PACT document."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database


def footprint(
    site: Annotated[str, typer.Option(help="site key")],
    product: Annotated[str, typer.Option(help="product key")],
    from_: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first production day")],
    to: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="last production day, included")],
    company: Annotated[str, typer.Option(help="name of the company that owns the data")] = "",
    company_id: Annotated[list[str] | None, typer.Option(help="URN of the company, may be repeated")] = None,
    product_id: Annotated[list[str] | None, typer.Option(help="URN of the product, may be repeated")] = None,
    description: Annotated[str, typer.Option(help="description of the product; its name without it")] = "",
    fossil_carbon_kg: Annotated[float | None, typer.Option(help="fossil carbon in one piece, kg", min=0)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the document as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Say what one good piece of PRODUCT emitted inside the gate: its share of energy, and fuels at its machines.

    Partial: nothing of materials, transport or use. With --json a ProductFootprint of the PACT data exchange 3.0; exit
    code 1 when a required field is missing, each of which is named.
    """
    from kpi.carbon import pact
    from kpi.carbon.footprint import document, share_of
    from kpi.stored import stored_pieces
    from store.pool import connect

    with connect(database(database_url), "kpi footprint") as connection:
        inputs = stored_pieces(connection, site, from_.date(), to.date())
    share = share_of(inputs, product, from_.date(), to.date())
    owner = {
        "companyName": company,
        "companyIds": company_id,
        "productIds": product_id,
        "productDescription": description,
        "fossilCarbonContent": fossil_carbon_kg,
    }
    found = document(share, inputs.site, owner, datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _show(found)
    if missing := pact.missing(found):
        raise PilotError(f"Not to be exchanged yet, these required fields are missing: {', '.join(missing)}.")


def _show(found: dict[str, Any]) -> None:
    pcf = found["pcf"]
    rows = {
        "product": found["productNameCompany"],
        "kg CO2e per piece": pcf["pcfExcludingBiogenicUptake"],
        "of it fossil": pcf["fossilGhgEmissions"],
        "period": f"{pcf['referencePeriodStart']} – {pcf['referencePeriodEnd']}",
        "potentials": ", ".join(pcf["ipccCharacterizationFactors"]),
        "comment": found["comment"],
    }
    table = Table("", "", title="Partial footprint, gate to gate", title_justify="left")
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console(highlight=False).print(table)
