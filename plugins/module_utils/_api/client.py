# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only place where the controller calls the Datadog API: arguments, retries, pages.

``transport`` makes a single attempt. It imports requests and datadogpy, and is imported when a client is created.
"""

from __future__ import annotations

import random
import re
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from .._secrets.names import public_address
from .errors import DatadogError, reset_seconds
from .shapes import answer_problem

# Attempts of a call, and in seconds the first pause between two of them and the maximum of all pauses of a call
# together. Pauses double, so this maximum allows seven attempts at most.
ATTEMPTS = 5
FIRST_PAUSE = 0.5
LONGEST_WAIT = 60.0
API_FIX = "Check that datadog_api_url is the API."
# How often to look for an object whose request timed out, since it may still be created.
LATE_LOOKS = 3
# How to read each list in pages: version, key of the items, parameter and step of the position, parameter and size.
PAGES: dict[str, tuple[str, str | None, str, int, str, int]] = {
    "monitor": ("v1", None, "page", 1, "page_size", 1000),
    "dashboard": ("v1", "dashboards", "start", 100, "count", 100),
    "downtime": ("v2", "data", "page[offset]", 100, "page[limit]", 100),
    "hosts": ("v1", "host_list", "start", 1000, "count", 1000),
}


def datadog_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the arguments of every module that calls the API; the fragment ``datadog`` mirrors them."""
    return {
        "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DD_API_KEY"])},
        "app_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DD_APP_KEY"])},
        "site": {"type": "str", "default": "datadoghq.com", "fallback": (env_fallback, ["DD_SITE"])},
        "api_url": {"type": "str", "fallback": (env_fallback, ["DATADOG_HOST"])},
        "validate_certs": {"type": "bool", "default": True},
        "api_timeout": {"type": "float", "default": 30.0},
    }


def settings_problems(params: Mapping[str, Any]) -> dict[str, str]:
    """Return problems with the arguments of ``datadog_argument_spec``, each with its fix, by variable."""
    problems = {}
    for argument, variable in (("api_key", "DD_API_KEY"), ("app_key", "DD_APP_KEY")):
        name, key = f"datadog_{argument}", params.get(argument)
        if not key:
            problems[name] = f"{name} is not set. Set it in the inventory (vaulted), or {variable} in the environment."
        elif not (key.isascii() and key.isprintable()) or " " in key:
            problems[name] = f"{name} contains white space or an invalid character. Copy the key again."
    if params.get("api_timeout", 1.0) <= 0:
        problems["api_timeout"] = "api_timeout is not greater than 0. Set it in seconds."
    url = params.get("api_url")
    if url:
        if not _has_host(url):
            problems["datadog_api_url"] = (
                "datadog_api_url is not a URL. Write one such as https://api.datadoghq.com, or remove it."
            )
    elif not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", params.get("site") or ""):
        problems["datadog_site"] = (
            "datadog_site is not a site. Write one such as datadoghq.com or datadoghq.eu, without https."
        )
    return problems


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    # Raised for invalid brackets and ports.
    except ValueError:
        return False


def client_from_module(module: AnsibleModule, **options: Any) -> Client:
    """Return a client with the module's arguments and OPTIONS, or fail if the library is missing."""
    try:
        return Client(**{name: module.params[name] for name in datadog_argument_spec()}, **options)
    except ImportError:
        missing = missing_required_lib("datadog", reason="for calls of the Datadog API")
        module.fail_json(msg=missing, exception=traceback.format_exc())
        raise


class Client:
    """Calls a Datadog API with a pair of keys. Not thread-safe.

    :arg api_url: URL of the API without ``/api/v1``; None means ``https://api.SITE``.
    :arg api_timeout: timeout of one attempt in seconds, for connecting and for reading separately.
    :arg attempts: maximum number of attempts of a call.
    :arg sleep, chance: for tests.
    :ivar public_url: the URL without credentials, for messages.
    :raises DatadogError: with the kind ``settings``, from the calls and not from the constructor.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        app_key: str | None = None,
        site: str = "datadoghq.com",
        api_url: str | None = None,
        validate_certs: bool = True,
        api_timeout: float = 30.0,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.problems = settings_problems(
            {"api_key": api_key, "app_key": app_key, "site": site, "api_url": api_url, "api_timeout": api_timeout}
        )
        self.api_url = (api_url or f"https://api.{site}").rstrip("/")
        self.public_url = public_address(self.api_url)
        self.attempts = attempts
        self._sleep, self._chance = sleep or time.sleep, chance
        # Imported here, since importing requests and datadogpy takes a third of a second in every process.
        from .transport import Transport

        self._transport = Transport(
            api_url=self.api_url,
            api_key=api_key,
            app_key=app_key,
            validate_certs=validate_certs,
            timeout=api_timeout,
        )

    def web_address(self, page: str) -> str:
        """Return the URL of a page of the web interface, given its path. In the lab, the API serves it, too."""
        host = urlsplit(self.public_url).hostname or ""
        if host.startswith("api.") and "." in host[4:]:
            site = host[4:]
            # Only sites whose name has two parts have their web interface at app.
            return f"https://{f'app.{site}' if site.count('.') == 1 else site}{page}"
        return f"{self.public_url}{page}"

    def get(self, path: str, *, version: str = "v1", need_app_key: bool = True, **params: Any) -> Any:
        """Read ``/api/VERSION/PATH`` and return the decoded JSON.

        Retries with growing pauses after connection errors, after 429 (with the pause of ``x-ratelimit-reset``) and
        after 5xx.

        :raises DatadogError: after the last attempt, or immediately if another attempt would not help.
        """
        return self._call("GET", path, version, params, need_app_key=need_app_key)

    def series(self, query: str, start: int, end: int) -> list[dict[str, Any]]:
        """Return the time series of a metric query from START to END, in seconds since the epoch.

        :raises DatadogError: as ``get``; also for the query errors that the API reports in a successful response.
        """
        params: dict[str, Any] = {"query": query, "from": start, "to": end}
        answer = self.get("query", **params)
        if answer.get("status") == "error":
            raise DatadogError("request", str(answer.get("error")), fix=f"Check the query {query}.", endpoint="query")
        return list(answer["series"])

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Yield every item of a list of ``PAGES``, however many there are."""
        version, items, place, step, size_name, size = PAGES[path]
        page, before = 0, None
        while True:
            where: dict[str, Any] = {place: page * step, size_name: size}
            answer = self.get(path, version=version, **params, **where)
            found = answer[items] if items else answer
            # The same page again: the server ignores these parameters and has returned everything.
            if found == before:
                return
            yield from found
            if len(found) < size:
                return
            page, before = page + 1, found

    def post(
        self,
        path: str,
        body: dict[str, Any],
        *,
        version: str = "v1",
        find: Callable[[], Any] | None = None,
        harmless: bool = False,
        **params: Any,
    ) -> Any:
        """Create something and return the response.

        If no response tells whether it was created (broken connection, timeout, 5xx), ``find`` is called before the
        request is sent again, and its result, unless it is None, is the response. Without ``find``, such a loss is an
        error, unless sending twice is ``harmless``. Requests that were not executed (429, connection refused) are sent
        again; after a 429, ``find`` is called, too.

        :raises DatadogError: as ``get``.
        """
        return self._call("POST", path, version, params, body=body, find=find, repeat=harmless or find is not None)

    def put(self, path: str, body: dict[str, Any], *, version: str = "v1", **params: Any) -> Any:
        """Replace something and return the response; retries as ``get`` does."""
        return self._call("PUT", path, version, params, body=body)

    def patch(self, path: str, body: dict[str, Any], *, version: str = "v1", **params: Any) -> Any:
        """Change something and return the response; retries as ``get`` does."""
        return self._call("PATCH", path, version, params, body=body)

    def delete(self, path: str, *, version: str = "v1", **params: Any) -> Any:
        """Delete something; retries as ``get`` does. A 404 after the first attempt means that an earlier one worked."""
        return self._call("DELETE", path, version, params)

    def _call(
        self,
        method: str,
        path: str,
        version: str,
        params: dict[str, Any],
        *,
        body: dict[str, Any] | None = None,
        need_app_key: bool = True,
        repeat: bool = True,
        find: Callable[[], Any] | None = None,
    ) -> Any:
        self._check_settings(need_app_key)
        waited = 0.0
        for attempt in range(1, self.attempts + 1):
            try:
                answer = self._transport.submit(method, path, version, params, body)
                if problem := answer_problem(method, version, path, answer):
                    fix, endpoint = API_FIX, f"{method} {self.public_url}/api/{version}/{path}"
                    raise DatadogError("answer", problem, fix=fix, endpoint=endpoint, lost=method != "GET")
                return answer
            except DatadogError as error:
                if method == "DELETE" and error.status == 404 and attempt > 1:
                    return None
                failure, pause = error, self._pause(attempt, error)
            last = attempt == self.attempts or waited + pause > LONGEST_WAIT
            last = last or not failure.transient or (failure.lost and not repeat)
            if not last:
                waited += pause
                self._sleep(pause)
            # A rate limit may be enforced after the work was done: looking is cheaper than a duplicate.
            doubt = failure.lost or failure.kind == "rate_limit"
            if find and doubt and (found := self._look(find, failure)) is not None:
                return found
            if last:
                raise failure
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _look(self, find: Callable[[], Any], failure: DatadogError) -> Any:
        """Return what a request with a lost response has created, or None."""
        for look in range(LATE_LOOKS if failure.kind == "timeout" else 1):
            if look:
                self._sleep(FIRST_PAUSE * 2**look)
            if (found := find()) is not None:
                return found
        return None

    def _check_settings(self, need_app_key: bool) -> None:
        problems = [text for name, text in self.problems.items() if need_app_key or name != "datadog_app_key"]
        if problems:
            raise DatadogError("settings", "The Datadog API cannot be called", fix=" ".join(problems))

    def _pause(self, attempt: int, error: DatadogError) -> float:
        """Return the seconds to wait before the next attempt, with jitter so that controllers do not retry together."""
        backoff: float = FIRST_PAUSE * 2**attempt * (0.5 + self._chance() / 2)
        if error.kind != "rate_limit":
            return backoff
        reset = reset_seconds(self._transport.headers)
        return backoff if reset is None else reset + self._chance()
