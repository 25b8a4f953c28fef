"""Boards as tests look at them; what Grafana makes of a statement is told by `dashboards.sending`."""

from typing import Any

from dashboards.sending import Asked, expand, panels

__all__ = ["Asked", "expand", "panels", "sql_of"]


def sql_of(board: dict[str, Any], title: str) -> str:
    """The statement of the panel with that title."""
    found = [panel for panel in panels(board) if panel["title"] == title]
    assert len(found) == 1, f"{len(found)} panels are called {title!r}"
    return str(found[0]["targets"][0]["rawSql"])
