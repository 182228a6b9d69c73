# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one place where the controller calls the Datadog API, through the PyPI package ``datadog``.

The package keeps its settings and its session in globals, returns some errors as data and raises others in four
ways. Here every call sets all of them and puts them back, and every failure is one ``DatadogError``.
"""

from __future__ import annotations

import ipaddress
import random
import re
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

try:
    import requests
    from datadog import api as datadog_api
    from datadog.api.api_client import APIClient
    from datadog.api.exceptions import ClientError, DatadogException, HttpTimeout, ProxyError
    from datadog.api.http_client import RequestClient
except ImportError:
    IMPORT_ERROR: str | None = traceback.format_exc()
else:
    IMPORT_ERROR = None

# Seconds: the first pause between two attempts, and the longest that one call pauses in all.
FIRST_PAUSE = 0.5
LONGEST_WAIT = 60.0
SUCCESS = (200, 201, 202, 204)


class DatadogError(Exception):
    """Whatever kept a call from succeeding.

    :ivar kind: ``settings``, ``key`` (401, 403), ``request`` (other 4xx), ``rate_limit``, ``server`` (5xx),
        ``answer`` (no JSON, a redirect), ``connection``, ``dns``, ``tls`` or ``timeout``.
    :ivar status: HTTP status, or None when there was no answer.
    :ivar endpoint: method and address, without credentials or query.
    :ivar words: what the API or the transport said.
    :ivar mend: what to do about it.

    ``str()`` of it is all of these as one message. Keys are in none of them.
    """

    def __init__(self, kind: str, words: str, *, mend: str, endpoint: str = "", status: int | None = None) -> None:
        self.kind, self.words, self.mend, self.endpoint, self.status = kind, words, mend, endpoint, status
        said = f"{status} {words}".strip() if status else words
        super().__init__(f"{f'{endpoint}: ' if endpoint else ''}{said.rstrip('.')}. {mend}")

    @property
    def transient(self) -> bool:
        """True when the same call may succeed a little later."""
        return self.kind in ("rate_limit", "server", "connection", "dns", "timeout")


def datadog_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the arguments of every module that calls the API; mirrored by the fragment ``datadog``."""
    return {
        "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DD_API_KEY"])},
        "app_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DD_APP_KEY"])},
        "site": {"type": "str", "default": "datadoghq.com", "fallback": (env_fallback, ["DD_SITE"])},
        "api_url": {"type": "str", "fallback": (env_fallback, ["DATADOG_HOST"])},
        "validate_certs": {"type": "bool", "default": True},
        "api_timeout": {"type": "float", "default": 30.0},
    }


def settings_problems(params: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the arguments of ``datadog_argument_spec``: variable to problem with mend."""
    problems = {}
    for argument, variable in (("api_key", "DD_API_KEY"), ("app_key", "DD_APP_KEY")):
        name, key = f"datadog_{argument}", params.get(argument)
        if not key:
            problems[name] = f"{name} is not set: set it in the inventory (vaulted), or {variable} in the environment."
        elif not (key.isascii() and key.isprintable()) or " " in key:
            problems[name] = f"{name} holds white space or a character that no key has: copy the key again, alone."
    if params.get("api_timeout", 1.0) <= 0:
        problems["api_timeout"] = "api_timeout is not above zero: give it some seconds."
    url = params.get("api_url")
    if url:
        if not _has_host(url):
            problems["datadog_api_url"] = (
                "datadog_api_url is no address: it reads like https://api.datadoghq.com, or leave it out."
            )
    elif not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", params.get("site") or ""):
        problems["datadog_site"] = (
            "datadog_site is no site: it reads like datadoghq.com or datadoghq.eu, without https."
        )
    return problems


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    # urlsplit and its port raise it for brackets and ports that are none.
    except ValueError:
        return False


def client_from_module(module: AnsibleModule, **options: Any) -> Client:
    """Return a client with the module's arguments and OPTIONS, or end the module when the library is missing."""
    if IMPORT_ERROR:
        module.fail_json(
            msg=missing_required_lib("datadog", reason="for calls of the Datadog API"), exception=IMPORT_ERROR
        )
    return Client(**{name: module.params[name] for name in datadog_argument_spec()}, **options)


class Client:
    """Calls of one Datadog API with one pair of keys. Not for several threads at once.

    :arg api_url: address of the API without ``/api/v1``; None means ``https://api.SITE``.
    :arg api_timeout: seconds that one attempt may take to connect, and again to answer.
    :arg attempts: how often a read is tried.
    :arg sleep, chance: for tests.
    :ivar public_url: the address, fit for messages.
    :raises DatadogError: of the kind ``settings``, by the calls rather than by the constructor.
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
        attempts: int = 5,
        sleep: Callable[[float], None] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.problems = settings_problems(
            {"api_key": api_key, "app_key": app_key, "site": site, "api_url": api_url, "api_timeout": api_timeout}
        )
        self.api_url = (api_url or f"https://api.{site}").rstrip("/")
        self.public_url = _public(self.api_url)
        self.attempts = attempts
        self._keys = [key for key in (api_key, app_key) if key]
        self._sleep, self._chance = sleep or time.sleep, chance
        self._response: requests.Response | None = None
        self._validate_certs = validate_certs
        self._settings = {
            "_api_key": api_key,
            "_application_key": app_key,
            "_api_host": self.api_url,
            "_api_version": "v1",
            "_cacert": validate_certs,
            "_host_name": None,
            "_max_retries": 0,
            "_mute": False,
            "_proxies": _no_proxy_to_loopback(self.api_url),
            "_return_raw_response": False,
            "_timeout": api_timeout,
        }
        session = requests.Session()
        # The keys travel in headers that would follow a redirect to anywhere.
        session.max_redirects = 0
        session.hooks["response"].append(self._remember)
        # Classes of our own, because the package keeps the session and its timeout counter on the class.
        transport = type("Transport", (RequestClient,), {"_session": session, "_session_lock": Lock()})
        self._api = type("Api", (APIClient,), {"_http_client": transport, "_max_timeouts": float("inf")})

    def _remember(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        # The package drops the headers, and the body of most errors.
        self._response = response

    def get(self, path: str, *, version: str = "v1", need_app_key: bool = True, **params: Any) -> Any:
        """Read ``/api/VERSION/PATH`` and return the decoded JSON.

        Tries again, with growing pauses, after connection errors, 429 (as long as ``x-ratelimit-reset`` asks for)
        and 5xx.

        :raises DatadogError: at last, or at once for what another attempt would not change.
        """
        self._check_settings(need_app_key)
        waited = 0.0
        for attempt in range(1, self.attempts + 1):
            try:
                return self._submit("GET", path, version, params)
            except DatadogError as error:
                pause = self._pause(attempt, error)
                if not error.transient or attempt == self.attempts or waited + pause > LONGEST_WAIT:
                    raise
            waited += pause
            self._sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _check_settings(self, need_app_key: bool) -> None:
        problems = [text for name, text in self.problems.items() if need_app_key or name != "datadog_app_key"]
        if problems:
            raise DatadogError("settings", "The Datadog API cannot be called", mend=" ".join(problems))

    def _pause(self, attempt: int, error: DatadogError) -> float:
        """Return the seconds to wait before the next attempt, spread so that controllers do not come back together."""
        backoff = FIRST_PAUSE * 2**attempt * (0.5 + self._chance() / 2)
        if error.kind != "rate_limit" or self._response is None:
            return backoff
        reset = reset_seconds(self._response.headers)
        return backoff if reset is None else reset + self._chance()

    def _submit(self, method: str, path: str, version: str, params: dict[str, Any]) -> Any:
        self._response = None
        endpoint = f"{method} {self.public_url}/api/{version}/{path}"
        try:
            with self._library_settings():
                # An answer of success may carry an empty "errors": the package would call it a failure.
                answer = self._api.submit(
                    method, path, api_version=version, suppress_response_errors_on_codes=SUCCESS, **params
                )
                if answer is None:
                    raise ValueError("empty body")
                return answer
        # requests: redirects and cut bodies, which the package lets through. ValueError: no JSON.
        except (DatadogException, requests.RequestException, ValueError) as error:
            raise self._explain(endpoint, error) from None

    @contextmanager
    def _library_settings(self) -> Iterator[None]:
        before = {name: getattr(datadog_api, name) for name in self._settings}
        try:
            for name, value in self._settings.items():
                setattr(datadog_api, name, value)
            with warnings.catch_warnings():
                if not self._validate_certs:
                    # Asked for by validate_certs=false: no need to say it at every call.
                    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
                yield
        finally:
            for name, value in before.items():
                setattr(datadog_api, name, value)

    def _explain(self, endpoint: str, error: Exception) -> DatadogError:
        cut = isinstance(error, requests.RequestException) and not isinstance(error, requests.TooManyRedirects)
        if self._response is None or cut or isinstance(error, (ClientError, HttpTimeout, ProxyError)):
            kind, words, mend = _explain_transport(error)
            return DatadogError(kind, self._redact(words), mend=mend, endpoint=endpoint)
        kind, words, mend = _explain_answer(self._response)
        return DatadogError(kind, self._redact(words), mend=mend, endpoint=endpoint, status=self._response.status_code)

    def _redact(self, text: str) -> str:
        for key in self._keys:
            text = text.replace(key, "********")
        return text


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Return in how many seconds the rate limit ends, or None. The header may come twice in one: "7, 7"."""
    for name in ("x-ratelimit-reset", "retry-after"):
        numbers = re.findall(r"\d+", headers.get(name, ""))
        if numbers and re.fullmatch(r"[\d\s,.]+", headers[name]):
            return float(max(map(int, numbers)))
    return None


def _explain_answer(response: requests.Response) -> tuple[str, str, str]:
    status = response.status_code
    words = _words(response)
    if status in (401, 403):
        return "key", words, "Check datadog_api_key and datadog_app_key, and that they belong to datadog_site."
    if status == 429:
        reset = reset_seconds(response.headers)
        limit = response.headers.get("x-ratelimit-name", "")
        words = f"{words}, rate limit {limit}" if limit else words
        when = f"in {reset:.0f} s, when the limit is reset" if reset is not None else "later"
        return "rate_limit", words, f"Run it again {when}, or run fewer of these at once."
    if status >= 500:
        return "server", words, "Datadog has a problem of its own: run it again later."
    if 300 <= status < 400:
        target = urlsplit(response.headers.get("location", ""))
        return (
            "answer",
            f"{words}, a redirect to {target.scheme}://{target.hostname}",
            "Check datadog_site or datadog_api_url.",
        )
    if status >= 400:
        return "request", words, "Check the request, and that datadog_api_url is the API."
    return "answer", f"the answer is not JSON but {words}", "Check that datadog_api_url is the API, not the web page."


def _words(response: requests.Response) -> str:
    """Return what the body says: the API's errors, or the beginning of whatever else it is."""
    try:
        errors = response.json()["errors"]
        texts = [
            str(item.get("detail") or item.get("title") or item) if isinstance(item, dict) else str(item)
            for item in (errors if isinstance(errors, list) else [errors])
        ]
        if texts:
            return "; ".join(texts)
    # A body that is not JSON, or JSON of another form: nothing to quote but its beginning.
    except (ValueError, KeyError, TypeError):
        pass
    text = " ".join(re.sub(r"<[^>]*>", " ", response.text).split())
    return (text[:117] + "..." if len(text) > 120 else text) or response.reason or "an empty body"


def _explain_transport(error: Exception) -> tuple[str, str, str]:
    """Tell apart what the package folds into one error; the cause survives as its context."""
    cause = error.__context__ or error
    # The innermost reason reads best: urllib3 wraps it in the address and the number of its own attempts.
    reason = getattr(cause.args[0] if cause.args else None, "reason", None) or cause
    words = re.sub(r"^.*Connection.* object at 0x[0-9a-f]+>: |^<?\w+\(.*\): ", "", str(reason))
    if isinstance(cause, requests.exceptions.SSLError):
        return (
            "tls",
            words,
            "Check datadog_api_url; for a certificate authority of your own set REQUESTS_CA_BUNDLE.",
        )
    if re.search("NameResolution|resolve|name resolution|not known|getaddrinfo", f"{type(reason).__name__} {words}"):
        return "dns", words, "Check datadog_site or datadog_api_url for a slip, and this machine's DNS."
    if isinstance(cause, requests.exceptions.Timeout):
        return "timeout", words, "Check that this machine reaches it (proxy, firewall), or raise api_timeout."
    return "connection", words, "Check datadog_api_url, and that this machine reaches it (proxy, firewall)."


def _public(url: str) -> str:
    """Return URL without a user and password, which an address may carry."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _no_proxy_to_loopback(url: str) -> dict[str, str] | None:
    """Return what keeps a call to this very machine (the lab) out of a proxy that the environment names."""
    try:
        host = urlsplit(url).hostname or ""
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    # A name rather than an address.
    except ValueError:
        return None
    return {"no_proxy": host} if loopback else None
