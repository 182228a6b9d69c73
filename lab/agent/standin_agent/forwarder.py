"""Sends payloads to the intake, oldest first. While it is away they wait in a queue that is bounded by its bytes."""

import gzip
import json
import logging
import random
import threading
import time
import zlib
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import requests

from standin_agent import AGENT_VERSION
from standin_agent.config import Config

# The system's authorities, as for the real Agent, and not those that `requests` brings.
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
TIMEOUT = 20.0
# The real Agent asks again every hour whether its key is valid. Where the intake did not say, this one asks soon.
VALIDATE_EVERY, VALIDATE_SOON = 3600.0, 60.0
KEY_VALID, KEY_INVALID, KEY_UNKNOWN = "API Key valid", "API Key invalid", "Unable to validate API Key"


@dataclass
class Payload:
    """One request that waits. `body` is compressed; `points` is how many points it holds."""

    url: str
    body: bytes
    headers: dict[str, str]
    points: int = 0


class Forwarder:
    """A thread that empties the queue. Failed connections, 429 and 5xx are tried again, what else fails is dropped."""

    def __init__(self, config: Config, log: logging.Logger) -> None:
        self._config = config
        self._log = log
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"datadog-agent/{AGENT_VERSION} (lab stand-in)"
        self._session.headers["DD-Agent-Version"] = AGENT_VERSION
        self._session.verify = False if config.values["skip_ssl_validation"] is True else AUTHORITIES
        self._queue: deque[Payload] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._deadline: float | None = None
        self._failures = 0
        self._next_validation = 0.0
        self._counts: Counter[str] = Counter()
        self._last_error = ""
        self.key_status = KEY_UNKNOWN
        self._thread = threading.Thread(target=self._work, name="forwarder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, path: str, document: Any, *, points: int = 0) -> None:
        """Queue a JSON document, of so many points, for a path."""
        # Checks' texts may hold what is no character; nobody could store it.
        text = json.dumps(document, separators=(",", ":"), default=str, ensure_ascii=False)
        body = text.encode(errors="replace")
        self.send(self._config.intake_url + path, body, "application/json", points=points)

    def send(self, url: str, body: bytes, media: str, *, points: int = 0, languages: str | None = None) -> None:
        """Queue a body, of so many points, with its Content-Type. With `languages` in the form of the trace agent."""
        if languages is None:
            body, headers = zlib.compress(body), {"Content-Encoding": "deflate"}
        else:
            body = gzip.compress(body, 1)
            headers = {"Content-Encoding": "gzip", "X-Datadog-Reported-Languages": languages}
        headers |= {"Content-Type": media, "DD-Api-Key": self._config.api_key}
        with self._wake:
            self._queue.append(Payload(url, body, headers, points))
            self._bytes += len(body)
            while self._bytes > self._config.values["forwarder_retry_queue_payloads_max_size"] and len(self._queue) > 1:
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
            names = ("Success", "Errors", "Dropped", "DroppedPoints")
            return {
                "APIKeyStatus": {f"API key ending with {self._config.api_key[-5:]}": self.key_status},
                "Transactions": {
                    **{name: self._counts[name] for name in names},
                    "RetryQueueSize": len(self._queue),
                    "RetryQueueBytes": self._bytes,
                },
                "LastError": self._last_error,
            }

    def _work(self) -> None:
        while True:
            with self._wake:
                until_validation = self._next_validation - time.monotonic()
                self._wake.wait_for(lambda: self._queue or self._deadline is not None, until_validation)
                if self._deadline is not None and (not self._queue or time.monotonic() >= self._deadline):
                    return
                head = self._queue[0] if self._queue else None
            if time.monotonic() >= self._next_validation:
                self._validate()
            if head is not None and not self._deliver(head):
                self._pause()

    def _deliver(self, payload: Payload) -> bool:
        """Send one payload; False where it stays in the queue to be tried again."""
        code, problem = self._request("POST", payload.url, data=payload.body, headers=payload.headers)
        retry = code == 0 or code == 429 or code >= 500
        with self._wake:
            if problem:
                self._counts["Errors"] += 1
                self._last_error = f"{payload.url}: {problem}"
                self._log.warning("could not send to %s", self._last_error)
            if retry:
                self._failures += 1
                return False
            self._failures = 0
            self.key_status = KEY_INVALID if code == 403 else KEY_VALID
            self._counts["Success"] += not problem
            # A full queue may have dropped this payload while it was under way.
            if self._queue and self._queue[0] is payload:
                self._queue.popleft()
                if problem:
                    self._drop(payload, problem)
                else:
                    self._bytes -= len(payload.body)
        return True

    def _drop(self, payload: Payload, why: str) -> None:
        """Give up a payload that has just left the queue. The caller holds the lock."""
        self._bytes -= len(payload.body)
        self._counts.update(Dropped=1, DroppedPoints=payload.points)
        self._log.error("dropped a payload for %s with %d points: %s", payload.url, payload.points, why)

    def _pause(self) -> None:
        """Wait before the next try: doubling from the base to the maximum, from half of it on at random."""
        base, most = (float(self._config.values[f"forwarder_backoff_{name}"]) for name in ("base", "max"))
        longest = min(most, base * 2 ** min(self._failures - 1, 10))
        with self._wake:
            # Once the end is near there is half a second between tries.
            if self._wake.wait_for(lambda: self._deadline is not None, random.uniform(longest / 2, longest)):
                self._wake.wait(0.5)

    def _validate(self) -> None:
        url = f"{self._config.api_url}/api/v1/validate"
        code, problem = self._request("GET", url, params={"api_key": self._config.api_key})
        self.key_status = {200: KEY_VALID, 403: KEY_INVALID}.get(code, KEY_UNKNOWN)
        self._next_validation = time.monotonic() + (VALIDATE_EVERY if code in (200, 403) else VALIDATE_SOON)
        if code == 403:
            self._log.error("the intake says that the API key is invalid: %s", problem)

    def _request(self, method: str, url: str, **options: Any) -> tuple[int, str]:
        """(status, problem): status 0 where no answer came, problem empty where the request was accepted."""
        try:
            # A redirect is an error: following it would carry the key to another host.
            answer = self._session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **options)
        # Whatever a broken peer does, the thread goes on and the payload stays.
        except Exception as error:  # noqa: BLE001
            return 0, self._config.scrub(f"{type(error).__name__}: {error}")
        code = answer.status_code
        return code, "" if 200 <= code < 300 else self._config.scrub(f"HTTP {code} {answer.text[:300]}")
