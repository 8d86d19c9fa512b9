"""The sandbox's process: the HTTP server, the control path, and its end."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from .account import ACCOUNT_ID, issued_key
from .certificates import Certificates
from .door import new_keys
from .faults import FaultKind, parse_fault
from .folder import LOCK, write_contact
from .router import Router
from .wire import Answer
from .world import Corrections, World

if TYPE_CHECKING:
    from pathlib import Path

    from .router import Stage
    from .world import WorldSettings

log = logging.getLogger(__name__)

_IDLE_SECONDS = 2 * 3600.0
_WATCH_SECONDS = 5.0
_LOCK_SECONDS = 2.0  # others hold the lock for a moment, to see whether it is free
_AT_ONCE = {FaultKind.KILL_NODE, FaultKind.AGENT_OFFLINE}


class _Handler(MotoRequestHandler):
    """Logs nothing by itself: the call log has it."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        if type == "error":
            log.error(message, *args)


class Daemon:
    """Serves one world until it is told to end, is idle for long, or its folder is taken away."""

    def __init__(self, settings: WorldSettings, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._settings = settings
        self._idle_seconds = idle_seconds
        self._certificates = Certificates(settings.folder)
        self._corrections = Corrections()
        self._world = World(settings, self._certificates, self._corrections)
        self._changing = threading.Lock()
        self._over = threading.Event()
        self._keys = new_keys()
        router = Router(
            moto=DomainDispatcherApplication(create_backend_app),
            moto_lock=self._corrections.lock,
            region=settings.region,
            stage=self._stage,
            control=self._control,
            keys=self._keys,
            issued=issued_key,
        )
        self._server = make_server("127.0.0.1", 0, router, threaded=True, request_handler=_Handler)

    def run(self) -> None:
        """Serve until the end."""
        self._world.start()
        serving = threading.Thread(target=self._server.serve_forever, daemon=True)
        serving.start()
        write_contact(self._settings.folder, self._contact())
        try:
            self._wait()
        finally:
            (self._settings.folder / "sandbox.json").unlink(missing_ok=True)
            self._server.shutdown()
            self._world.stop()

    def end(self) -> None:
        """Let `run` return."""
        self._over.set()

    def _contact(self) -> dict[str, Any]:
        host, port = self._server.server_address[:2]
        return {
            "endpoint_url": f"http://{host!s}:{port}",
            "region": self._settings.region,
            "account_id": ACCOUNT_ID,
            "access_key_id": self._keys.access_key_id,
            "secret_access_key": self._keys.secret_access_key,
            "ca_file": str(self._certificates.ca_file),
            "speed": self._settings.speed,
            "pid": os.getpid(),
            "world": self._world.id,
        }

    def _stage(self) -> Stage:
        return self._world.stage

    def _wait(self) -> None:
        folder = self._settings.folder
        while not self._over.wait(_WATCH_SECONDS):
            if time.monotonic() - self._world.calls.last_call > self._idle_seconds:
                log.info("idle for %s s: the end", self._idle_seconds)
                return
            if not folder.is_dir():
                return

    # The control path

    def _control(self, method: str, name: str, body: bytes) -> Answer:
        commands = {
            ("GET", "status"): self._status,
            ("GET", "calls"): self._calls,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "reset"): self._reset,
            ("POST", "shutdown"): self._shutdown,
        }
        command = commands.get((method, name))
        if command is None:
            known = ", ".join(f"{verb} {noun}" for verb, noun in commands)
            return _json(404, {"error": f"there is no {method} {name}; there are {known}"})
        try:
            return command(body)
        except ValueError as error:
            return _json(400, {"error": str(error)})
        except Exception as error:
            log.exception("%s %s", method, name)
            return _json(500, {"error": f"{type(error).__name__}: {error}"})

    def _status(self, _: bytes) -> Answer:
        return _json(200, {**self._contact(), **self._world.status()})

    def _calls(self, _: bytes) -> Answer:
        return Answer(200, "application/x-ndjson", self._world.calls.read().encode())

    def _faults(self, _: bytes) -> Answer:
        return _json(200, {"faults": [fault.as_dict() for fault in self._world.faults.in_force()]})

    def _add_fault(self, body: bytes) -> Answer:
        fault = parse_fault(json.loads(body))
        if fault.kind in _AT_ONCE and not fault.service and not fault.call:
            self._world.strike(fault)
            return _json(200, {**fault.as_dict(), "count": 0, "struck": True})
        return _json(200, self._world.faults.add(fault).as_dict())

    def _clear_faults(self, _: bytes) -> Answer:
        self._world.faults.clear()
        return _json(200, {"faults": []})

    def _reset(self, _: bytes) -> Answer:
        with self._changing:
            self._world.calls.clear()
            self._world.stop()
            self._world = World(self._settings, self._certificates, self._corrections)
            self._world.start()
            write_contact(self._settings.folder, self._contact())
        return _json(200, {"world": self._world.id})

    def _shutdown(self, _: bytes) -> Answer:
        self.end()
        return _json(200, {"pid": os.getpid()})


def _json(status: int, data: dict[str, Any]) -> Answer:
    return Answer(status, "application/json", (json.dumps(data, ensure_ascii=False) + "\n").encode())


def serve(settings: WorldSettings, *, idle_seconds: float = _IDLE_SECONDS) -> None:
    """Be the sandbox of a folder until the end, and end the process. One at a time holds a folder's lock.

    Raises RuntimeError if another process is the folder's sandbox.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
    # Moto warns of error codes that its models lack.
    warnings.simplefilter("ignore", UserWarning)
    settings.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.folder / LOCK, timeout=_LOCK_SECONDS):
            _clear(settings.folder)
            daemon = Daemon(settings, idle_seconds=idle_seconds)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: daemon.end())
            daemon.run()
            # Before the lock is let go, so that a free lock means an ended process. A thread that still waits
            # for a node would hold an ordinary exit up.
            logging.shutdown()
            os._exit(0)
    except Timeout:
        raise RuntimeError(f"another process is the sandbox of {settings.folder}") from None


def _clear(folder: Path) -> None:
    """Forget what an earlier sandbox of this folder left: worlds are kept in memory only."""
    for name in ("sandbox.json", "calls.jsonl"):
        (folder / name).unlink(missing_ok=True)
