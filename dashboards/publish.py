"""Publish the boards to a running Grafana. In: its address and a service account token. Out: the boards' addresses."""

from typing import Any

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from dashboards import datasource, generate
from dashboards.errors import PublishError
from dashboards.provisioning import FOLDER_TITLE, FOLDER_UID

NOT_FOUND = 404
TIMEOUT_S = 10.0


def publish(url: str, token: str) -> list[str]:
    """Create or replace every board in the folder of ours; repeating changes nothing.

    Raises:
        PublishError: the server is not there, refuses the token, or lacks the data source.
    """
    grafana: Any = GrafanaApi.from_url(url, credential=token, timeout=TIMEOUT_S)  # its calls are not typed
    try:
        _require_data_source(grafana)
        _ensure_folder(grafana)
        return [url.rstrip("/") + _publish_board(grafana, board) for board in generate.boards().values()]
    except GrafanaException as error:
        raise PublishError(f"Grafana at {url} answered: {error.message}") from error
    except OSError as error:  # every failure of the connection is one
        raise PublishError(f"Grafana at {url} does not answer ({error}). Is the address right, does it run?") from error


def _publish_board(grafana: Any, board: dict[str, Any]) -> str:
    body = {"dashboard": board, "folderUid": FOLDER_UID, "overwrite": True, "message": "python -m dashboards publish"}
    return str(grafana.dashboard.update_dashboard(body)["url"])


def _ensure_folder(grafana: Any) -> None:
    try:
        grafana.folder.get_folder(FOLDER_UID)
    except GrafanaClientError as error:
        if error.status_code != NOT_FOUND:
            raise
        grafana.folder.create_folder(FOLDER_TITLE, FOLDER_UID)


def _require_data_source(grafana: Any) -> None:
    try:
        grafana.datasource.get_datasource_by_uid(datasource.UID)
    except GrafanaClientError as error:
        if error.status_code != NOT_FOUND:
            raise
        raise PublishError(
            f"Grafana has no data source with the uid {datasource.UID!r}: add a PostgreSQL data source with that uid, "
            "as role haidang_grafana (docs/deployment.md shows the provisioning file)."
        ) from error
