"""What a Grafana server reads at its start: where the data are, where the boards lie. Out: plain mappings."""

from dashboards import datasource

# Where docker-compose.yml mounts generated/boards.
BOARDS_FOLDER = "/etc/haidang/boards"
FOLDER_UID = "haidang"
FOLDER_TITLE = "Hải Đăng"


def data_sources() -> dict[str, object]:
    """The database as the read-only role; address and password come from Grafana's own environment."""
    source = {
        "name": datasource.NAME,
        "uid": datasource.UID,
        "type": datasource.TYPE,
        "access": "proxy",
        "isDefault": True,
        "editable": False,
        "url": "${HAIDANG_GRAFANA_DB_ADDRESS}",
        "user": "haidang_grafana",
        "secureJsonData": {"password": "${HAIDANG_DB_PASSWORD_GRAFANA}"},
        "jsonData": {
            "database": "${HAIDANG_GRAFANA_DB_NAME}",
            "sslmode": "${HAIDANG_GRAFANA_DB_SSLMODE}",
            "postgresVersion": 1700,
            "timescaledb": True,
            "maxOpenConns": 8,
            "maxIdleConns": 2,
            "connMaxLifetime": 14400,
        },
    }
    return {"apiVersion": 1, "datasources": [source]}


def dashboard_providers() -> dict[str, object]:
    """The folder of generated boards; they are changed in the code, so not in the browser."""
    provider = {
        "name": "haidang",
        "type": "file",
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 30,
        "options": {"path": BOARDS_FOLDER, "foldersFromFilesStructure": False},
    }
    return {"apiVersion": 1, "providers": [provider]}
