"""Sends payloads to the intake, oldest first. While an address fails, what is for it waits in a bounded queue.

Source: datadog-agent, comp/forwarder/defaultforwarder (2025-2026).
"""

import gzip
import json
import logging
import random
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import NameResolutionError

from standin_agent import AGENT_VERSION, KEY_TAIL
from standin_agent.config import Config

# The system's authorities, as for the real Agent, and not those that `requests` brings.
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
TIMEOUT, VALIDATION_TIMEOUT = 20.0, 10.0
# It is asked at the start and then every hour whether the key is valid, whatever the answer was.
VALIDATE_EVERY = 3600.0
# Between two tries while the Agent ends.
LAST_PAUSE = 0.5
KEY_VALID, KEY_INVALID = "API Key valid", "API Key invalid"
UNREACHABLE = "Unable to reach the API Key validation endpoint"
UNEXPECTED = "Unexpected response code from the API Key validation endpoint"
# A key of zeros skips validation.
FAKE_KEY, KEY_FAKE = "0" * 32, "Fake API Key that skips validation"
ERROR_TYPES = ("DNSErrors", "TLSErrors", "ConnectionErrors", "WroteRequestErrors", "SentRequestErrors")
COUNTS = ("Success", "Errors", "Dropped", "DroppedPoints", "Requeued", "Retried", "HTTPErrors")
# Answers that drop a payload of the core Agent. After every other from 401 up, 404 too, it is tried again.
DROPPING = (400, 403, 413)


def core_retries(code: int) -> bool:
    return code >= 400 and code not in DROPPING


@dataclass(eq=False)
class Payload:
    """One request that waits. `body` is compressed; `points` is how many it holds, `tries` how often it failed."""

    url: str
    body: bytes
    headers: dict[str, str]
    points: int = 0
    tries: int = 0


@dataclass
class Block:
    """An address that fails: how often in a row, and until when it is left alone."""

    failures: int = 0
    until: float = 0.0


class Forwarder:
    """A thread that empties the queue. `retries` says after which answers a payload is tried again; without an answer
    it always is. `validates`: whether it asks for the key's validity, as only the core Agent does.
    """

    def __init__(
        self,
        config: Config,
        log: logging.Logger,
        *,
        retries: Callable[[int], bool] = core_retries,
        validates: bool = True,
    ) -> None:
        self._config, self._log, self._retries = config, log, retries
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"datadog-agent/{AGENT_VERSION} (lab stand-in)"
        self._session.headers["DD-Agent-Version"] = AGENT_VERSION
        self._session.verify = False if config.values["skip_ssl_validation"] is True else AUTHORITIES
        self._queue: deque[Payload] = deque()
        self._bytes = 0
        self._blocks: dict[str, Block] = {}
        self._wake = threading.Condition()
        self._deadline: float | None = None
        self._next_validation = 0.0 if validates else float("inf")
        self._counts: Counter[str] = Counter()
        self._by_type: Counter[str] = Counter()
        self._by_code: Counter[str] = Counter()
        self._key_status = ""
        self._thread = threading.Thread(target=self._work, name="forwarder", daemon=True)

    @property
    def key_rejected(self) -> bool:
        return self._key_status == KEY_INVALID

    def start(self) -> None:
        self._thread.start()

    def submit(self, path: str, document: Any, *, points: int = 0) -> None:
        """Queue a JSON document, of so many points, for a path."""
        # Checks' texts may hold what is not a character and cannot be stored.
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
            self._blocks.clear()
            self._wake.notify_all()
        self._thread.join(seconds + 1)

    def status(self) -> dict[str, Any]:
        """`forwarderStats` of `status --json`. A rejected key is in APIKeyFailure, and only there."""
        with self._wake:
            label, text = f"API key ending with {self._config.api_key[-KEY_TAIL:]}", self._key_status
            known = {label: text} if text else {}
            return {
                "APIKeyStatus": {} if self.key_rejected else known,
                "APIKeyFailure": known if self.key_rejected else {},
                "Transactions": {
                    **{name: self._counts[name] for name in COUNTS},
                    "ErrorsByType": {name: self._by_type[name] for name in ERROR_TYPES},
                    "HTTPErrorsByCode": dict(self._by_code),
                    "RetryQueueSize": len(self._queue),
                    "RetryQueueBytes": self._bytes,
                },
            }

    def _work(self) -> None:
        while True:
            with self._wake:
                now = time.monotonic()
                payload, pause = self._next(now)
                until_validation = self._next_validation - now
                if self._deadline is not None and (not self._queue or now >= self._deadline):
                    return
                if payload is None and until_validation > 0:
                    waits = [seconds for seconds in (pause, until_validation) if seconds < float("inf")]
                    self._wake.wait(min(waits, default=None))
                    continue
            if until_validation <= 0:
                self._validate()
            if payload is not None:
                self._deliver(payload)

    def _next(self, now: float) -> tuple[Payload | None, float]:
        """The oldest payload whose address is not left alone, or how long it is until one is worth a try."""
        soonest = float("inf")
        for payload in self._queue:
            block = self._blocks.get(payload.url)
            if block is None or block.until <= now:
                return payload, 0.0
            soonest = min(soonest, block.until - now)
        return None, soonest

    def _deliver(self, payload: Payload) -> None:
        """Send one payload, which stays in the queue where it is to be tried again."""
        code, problem, kind = self._request("POST", payload.url, data=payload.body, headers=payload.headers)
        with self._wake:
            self._by_type.update([kind] if kind else [])
            self._counts["Retried"] += payload.tries > 0
            if code >= 400:
                self._counts["HTTPErrors"] += 1
                self._by_code[str(code)] += 1
            if problem:
                self._log.warning("could not send to %s: %s", payload.url, problem)
            if code == 0 or self._retries(code) or 300 <= code < 400:
                payload.tries += 1
                self._counts.update(Errors=1, Requeued=1)
                self._block(payload.url)
                return
            self._blocks.pop(payload.url, None)
            self._counts["Success"] += not problem
            # A full queue may have dropped this payload while it was under way.
            if payload in self._queue:
                self._queue.remove(payload)
                if problem:
                    self._drop(payload, problem)
                else:
                    self._bytes -= len(payload.body)

    def _block(self, url: str) -> None:
        """Leave an address alone: doubling from the base to the maximum, from half of it on at random."""
        block = self._blocks.setdefault(url, Block())
        block.failures += 1
        base, most = (float(self._config.values[f"forwarder_backoff_{name}"]) for name in ("base", "max"))
        longest = min(most, base * 2 ** min(block.failures - 1, 10))
        if self._deadline is not None:
            longest = min(longest, LAST_PAUSE)
        block.until = time.monotonic() + random.uniform(longest / 2, longest)

    def _drop(self, payload: Payload, why: str) -> None:
        """Give up a payload that has just left the queue. The caller holds the lock."""
        self._bytes -= len(payload.body)
        self._counts.update(Dropped=1, DroppedPoints=payload.points)
        self._log.error("dropped a payload for %s with %d points: %s", payload.url, payload.points, why)

    def _validate(self) -> None:
        self._next_validation = time.monotonic() + VALIDATE_EVERY
        key = self._config.api_key
        if key == FAKE_KEY:
            self._key_status = KEY_FAKE
            return
        url = f"{self._config.api_url}/api/v1/validate"
        code, problem, _ = self._request("GET", url, params={"api_key": key}, timeout=VALIDATION_TIMEOUT)
        self._key_status = {0: UNREACHABLE, 200: KEY_VALID, 403: KEY_INVALID}.get(code, UNEXPECTED)
        if code == 403:
            self._log.error("No valid api key found, reporting the forwarder as unhealthy: %s", problem)

    def _request(self, method: str, url: str, *, timeout: float = TIMEOUT, **options: Any) -> tuple[int, str, str]:
        """(status, problem, kind of error): status 0 where no answer came, no problem where it was accepted."""
        try:
            # A redirect is an error: following it would carry the key to another host.
            answer = self._session.request(method, url, timeout=timeout, allow_redirects=False, **options)
        # Whatever a broken peer does, the thread goes on and the payload stays.
        except Exception as error:  # noqa: BLE001
            return 0, self._config.scrub(f"{type(error).__name__}: {error}"), error_type(error)
        code = answer.status_code
        return code, "" if 200 <= code < 300 else self._config.scrub(f"HTTP {code} {answer.text[:300]}"), ""


def error_type(error: Exception) -> str:
    """The name under which a request without an answer is counted."""
    if isinstance(error, requests.exceptions.SSLError):
        return "TLSErrors"
    if isinstance(getattr(next(iter(error.args), None), "reason", None), NameResolutionError):
        return "DNSErrors"
    return "SentRequestErrors" if isinstance(error, requests.exceptions.ReadTimeout) else "ConnectionErrors"
