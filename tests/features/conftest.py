"""A stand-in for the hub on this machine's own loopback, speaking what the hub's clients ask: info, head, file."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """One file `model.safetensors` in each repository of `files`.

    asked   : method and path of every request; cut : bytes after which a download breaks off
    sent    : what is sent in place of the file; answer : what is said in place of the info; status : in place of 200
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.card: dict[str, Any] = {"license": "bsd-3-clause", "datasets": ["imagenet-1k"]}
        self.asked: list[str] = []
        self.cut: int | None = None
        self.sent: bytes | None = None
        self.answer: bytes | None = None
        self.status: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def info(self, repository: str) -> dict[str, Any]:
        data = self.files[repository]
        lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        readme = {"rfilename": "README.md", "size": 9, "blobId": 40 * "1"}  # small files lie in git, without a SHA-256
        weights = {"rfilename": "model.safetensors", "size": len(data), "blobId": 40 * "2", "lfs": lfs}
        told = {"_id": 24 * "3", "id": repository, "modelId": repository, "sha": COMMIT, "private": False}
        return told | {"tags": ["timm"], "cardData": self.card, "siblings": [readme, weights]}


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.server, self.path.partition("?")[0].strip("/")
        hub.asked.append(f"{self.command} {self.path}")
        if hub.status is not None:
            self.say(hub.status, b"{}")
        elif path.startswith("api/models/"):
            repository = path.removeprefix("api/models/").partition("/revision/")[0]
            if hub.answer is not None:
                self.say(200, hub.answer)
            elif repository in hub.files:
                self.say(200, json.dumps(hub.info(repository)).encode())
            else:
                self.say(401, b'{"error": "Invalid username or password."}', {"X-Error-Code": "RepoNotFound"})
        elif "/resolve/" in path:
            self.resolve(*path.split("/resolve/"))
        elif path.startswith("lake/"):
            self.file(path.removeprefix("lake/"))

    def resolve(self, repository: str, rest: str) -> None:
        """As the hub does: large files lie elsewhere, and the answer says where and what they are."""
        if repository not in self.server.files or rest not in (f"{COMMIT}/model.safetensors", "main/model.safetensors"):
            self.say(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        lfs = self.server.info(repository)["siblings"][1]["lfs"]
        told = {"X-Repo-Commit": COMMIT, "X-Linked-Size": str(lfs["size"]), "X-Linked-ETag": f'"{lfs["sha256"]}"'}
        lake = f"http://localhost:{self.server.server_address[1]}/lake/{repository}"  # another host by its name
        self.say(302, b"", told | {"Location": lake, "ETag": '"x"'})

    def file(self, repository: str) -> None:
        data = self.server.files[repository] if self.server.sent is None else self.server.sent
        self.say(200, data, cut=self.server.cut)

    def say(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at `asked`."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
