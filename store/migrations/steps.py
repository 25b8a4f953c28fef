"""Run the SQL files of a revision on Alembic's connection."""

from importlib.resources import files

from alembic import op


def run_sql(revision: str) -> None:
    """Execute every file of `versions/<revision>/` in order of name, each as one script."""
    folder = files("store") / "migrations" / "versions" / revision
    driver = op.get_bind().connection.driver_connection
    assert driver is not None  # noqa: S101 - SQLAlchemy types it optional; it is open here
    for name in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql")):
        driver.execute((folder / name).read_text("utf-8"))
