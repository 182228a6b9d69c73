# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends payloads to the intake, oldest first. While it is away they wait in a queue that is bounded by its bytes."""

from __future__ import annotations

import json
import logging
import random
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from standin_agent import AGENT_VERSION
from standin_agent.config import Config

_TLS_VERSIONS = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}
# The real Agent asks again every hour whether its key is valid.
VALIDATE_EVERY = 3600.0
KEY_VALID, KEY_INVALID, KEY_UNKNOWN = "API Key valid", "API Key invalid", "Unable to validate API Key"


@dataclass
class Payload:
    """One request that waits. `body` is compressed; `points` is how many points it holds."""

    path: str
    body: bytes
    points: int = 0
    on_drop: Callable[[], None] | None = None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: following it would carry the key to another host."""

    def redirect_request(self, *_args: Any) -> None:
        return None


class Forwarder:
    """A thread that empties the queue. Failed connections, 429 and 5xx are tried again, what else fails is dropped."""

    def __init__(self, config: Config, log: logging.Logger) -> None:
        self._config = config
        self._log = log
        self._url = config.intake_url
        self._opener = _opener(config, self._url)
        self._queue: deque[Payload] = deque()
        self._bytes = 0
        self._limit = int(config.values["forwarder_retry_queue_payloads_max_size"])
        self._wake = threading.Condition()
        self._deadline: float | None = None
        self._failures = 0
        self._next_validation = 0.0
        self._counts: Counter[str] = Counter()
        self._http_errors: Counter[str] = Counter()
        self.last_error = ""
        self.key_status = KEY_UNKNOWN
        self._thread = threading.Thread(target=self._work, name="forwarder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, path: str, document: Any, *, points: int = 0, on_drop: Callable[[], None] | None = None) -> None:
        """Queue a JSON document for a path; `on_drop` is called where the intake refuses it for good."""
        body = zlib.compress(json.dumps(document, separators=(",", ":")).encode())
        with self._wake:
            self._queue.append(Payload(path, body, points, on_drop))
            self._bytes += len(body)
            while self._bytes > self._limit and len(self._queue) > 1:
                self._drop(self._queue.popleft(), "the retry queue is full")
            self._wake.notify_all()

    def stop(self, seconds: float) -> None:
        """Send what waits for at most `seconds`, without waiting between tries for longer than that."""
        with self._wake:
            self._deadline = time.monotonic() + seconds
            self._wake.notify_all()
        self._thread.join(seconds + 1)

    def status(self) -> dict[str, Any]:
        """The forwarder's part of `status --json`, in the names of the real one where it has them."""
        with self._wake:
            return {
                "APIKeyStatus": {f"API key ending with {self._config.api_key[-5:]}": self.key_status},
                "Transactions": {
                    "Success": self._counts["success"],
                    "Errors": self._counts["errors"],
                    "Retried": self._counts["retried"],
                    "Dropped": self._counts["dropped"],
                    "DroppedPoints": self._counts["dropped_points"],
                    "RetryQueueSize": len(self._queue),
                    "RetryQueueBytes": self._bytes,
                    "HTTPErrorsByCode": dict(self._http_errors),
                },
                "LastError": self.last_error,
            }

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._queue and self._deadline is None and time.monotonic() < self._next_validation:
                    self._wake.wait(self._next_validation - time.monotonic())
                if self._deadline is not None and (not self._queue or time.monotonic() >= self._deadline):
                    return
                head = self._queue[0] if self._queue else None
            if time.monotonic() >= self._next_validation:
                self._next_validation = time.monotonic() + VALIDATE_EVERY
                self._validate()
            if head is not None and not self._deliver(head):
                self._pause()

    def _deliver(self, payload: Payload) -> bool:
        """Send one payload; False where it stays in the queue to be tried again."""
        code, problem = self._request(payload.path, payload.body)
        retry = code == 0 or code == 429 or code >= 500
        with self._wake:
            if code and not retry:
                self.key_status = KEY_INVALID if code == 403 else KEY_VALID
            if problem:
                self._counts["errors"] += 1
                if code:
                    self._http_errors[str(code)] += 1
                self.last_error = f"{payload.path}: {problem}"
                self._log.warning("could not send to %s%s: %s", self._url, payload.path, problem)
            if retry:
                self._counts["retried"] += 1
                self._failures += 1
                return False
            self._failures = 0
            # A full queue may have dropped this payload while it was under way.
            if self._queue and self._queue[0] is payload:
                self._queue.popleft()
                if problem:
                    self._drop(payload, problem)
                else:
                    self._bytes -= len(payload.body)
            self._counts["success"] += not problem
        if problem and payload.on_drop:
            payload.on_drop()
        return True

    def _drop(self, payload: Payload, why: str) -> None:
        """Give up a payload that has just left the queue. The caller holds the lock."""
        self._bytes -= len(payload.body)
        self._counts["dropped"] += 1
        self._counts["dropped_points"] += payload.points
        self._log.error("dropped a payload for %s with %d points: %s", payload.path, payload.points, why)

    def _pause(self) -> None:
        """Wait before the next try: doubling from the base to the maximum, from half of it on at random."""
        base = float(self._config.values["forwarder_backoff_base"])
        longest = min(float(self._config.values["forwarder_backoff_max"]), base * 2 ** min(self._failures - 1, 10))
        until = time.monotonic() + random.uniform(longest / 2, longest)
        with self._wake:
            while (left := until - time.monotonic()) > 0:
                if self._deadline is not None:
                    until = min(until, time.monotonic() + 0.5, self._deadline)
                    self._wake.wait(max(0.0, until - time.monotonic()))
                    return
                self._wake.wait(left)

    def _validate(self) -> None:
        query = urllib.parse.urlencode({"api_key": self._config.api_key})
        code, problem = self._request(f"/api/v1/validate?{query}", None)
        with self._wake:
            self.key_status = {200: KEY_VALID, 403: KEY_INVALID}.get(code, KEY_UNKNOWN)
            if code not in (200, 403):
                self._next_validation = time.monotonic() + 60  # The intake is away: ask again soon.
        if code == 403:
            self._log.error("the intake says that the API key is invalid: %s", problem)

    def _request(self, path: str, body: bytes | None) -> tuple[int, str]:
        """(status, problem): status 0 where no answer came, problem empty where the request was accepted."""
        headers = {"DD-Agent-Version": AGENT_VERSION, "User-Agent": f"datadog-agent/{AGENT_VERSION} (lab stand-in)"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Encoding": "deflate"}
            headers["DD-Api-Key"] = self._config.api_key
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        try:
            with self._opener.open(request, timeout=float(self._config.values["forwarder_timeout"])) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(300).decode("utf-8", "replace").strip()
            return error.code, self._config.scrub(f"HTTP {error.code} {text}")
        # Whatever a broken peer does, the thread goes on and the payload stays.
        except Exception as error:  # noqa: BLE001
            return 0, self._config.scrub(str(getattr(error, "reason", "") or error) or type(error).__name__)


def _opener(config: Config, url: str) -> urllib.request.OpenerDirector:
    """TLS as configured; the proxy of datadog.yaml, else that of the environment."""
    context = ssl.create_default_context()
    context.minimum_version = _TLS_VERSIONS.get(str(config.values["min_tls_version"]), ssl.TLSVersion.TLSv1_2)
    if config.values["skip_ssl_validation"] is True:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context), _NoRedirect()]
    proxy = config.values["proxy"] or {}
    proxies = {scheme: str(proxy[scheme]) for scheme in ("http", "https") if proxy.get(scheme)}
    if proxies:
        direct = urllib.parse.urlsplit(url).hostname in (proxy.get("no_proxy") or [])
        handlers.append(urllib.request.ProxyHandler({} if direct else proxies))
    return urllib.request.build_opener(*handlers)
