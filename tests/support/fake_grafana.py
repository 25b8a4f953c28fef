"""The few calls of Grafana's HTTP API that publishing needs, on a port of this machine, kept in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "glsa_test"


class FakeGrafana(ThreadingHTTPServer):
    """Data sources, folders and boards by uid; every call needs the token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data_sources: set[str] = set()
        self.folders: dict[str, str] = {}
        self.boards: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match method, path.strip("/").split("/"):
            case "GET", ["api", "datasources", "uid", uid]:
                return (200, {"uid": uid}) if uid in self.data_sources else (404, {"message": "Data source not found"})
            case "GET", ["api", "folders", uid]:
                return (200, {"uid": uid}) if uid in self.folders else (404, {"message": "folder not found"})
            case "POST", ["api", "folders"]:
                self.folders[body["uid"]] = body["title"]
                return 200, {"uid": body["uid"]}
            case "POST", ["api", "dashboards", "db"]:
                return self._save(body)
        return 404, {"message": f"no such call: {method} {path}"}

    def _save(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        uid = body["dashboard"]["uid"]
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.boards and not body.get("overwrite"):
            return 412, {"message": "The dashboard has been changed by someone else"}
        self.boards[uid] = body["dashboard"]
        return 200, {"uid": uid, "url": f"/d/{uid}/board", "status": "success"}


class _Handler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """Tests are quiet."""

    def _answer(self, body: dict[str, Any]) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            status, answer = 401, {"message": "Invalid API key"}
        else:
            status, answer = self.server.answer(self.command, self.path, body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running_grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
