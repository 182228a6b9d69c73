# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A single attempt to call the Datadog API, through the PyPI package ``datadog`` and with requests.

The package keeps its settings and its session in globals, returns some errors as data and raises others in four ways.
Here, every call sets all globals and restores them, and every failure is a ``DatadogError``.
"""

from __future__ import annotations

import ipaddress
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from .._secrets.names import public_address
from .errors import DatadogError, explain_answer

try:
    import requests
    from datadog import api as datadog_api
    from datadog.api.api_client import APIClient
    from datadog.api.exceptions import ClientError, DatadogException, HttpTimeout, ProxyError
    from datadog.api.http_client import RequestClient
except ImportError as error:
    # Modules may be imported without the libraries that they need when they run.
    MISSING: ImportError | None = error
else:
    MISSING = None

SUCCESS = (200, 201, 202, 204)


class Transport:
    """Sends requests with a pair of keys. Not thread-safe."""

    def __init__(
        self, *, api_url: str, api_key: str | None, app_key: str | None, validate_certs: bool, timeout: float
    ) -> None:
        if MISSING:
            raise MISSING
        self._public_url = public_address(api_url)
        self._keys = [key for key in (api_key, app_key) if key]
        self._response: requests.Response | None = None
        self._validate_certs = validate_certs
        self._settings = {
            "_api_key": api_key,
            "_application_key": app_key,
            "_api_host": api_url,
            "_api_version": "v1",
            "_cacert": validate_certs,
            "_host_name": None,
            "_max_retries": 0,
            "_mute": False,
            "_proxies": no_proxy_to_loopback(api_url),
            "_return_raw_response": False,
            "_timeout": timeout,
        }
        session = requests.Session()
        # The keys are in headers, which a redirect could send anywhere.
        session.max_redirects = 0
        session.hooks["response"].append(self._remember)
        # Use our own classes, because the package keeps the session and its timeout counter on the class.
        transport = type("Transport", (RequestClient,), {"_session": session, "_session_lock": Lock()})
        self._api: Any = type("Api", (APIClient,), {"_http_client": transport, "_max_timeouts": float("inf")})

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the last response; empty if there was none."""
        return {} if self._response is None else self._response.headers

    def _remember(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        # The package discards the headers, and the body of most errors.
        self._response = response

    def submit(self, method: str, path: str, version: str, params: dict[str, Any], body: dict[str, Any] | None) -> Any:
        """Send one request and return the decoded JSON. Raises DatadogError."""
        self._response = None
        try:
            with self._library_settings():
                # A successful response may contain empty "errors", which the package would consider a failure.
                answer = self._api.submit(
                    method, path, api_version=version, body=body, suppress_response_errors_on_codes=SUCCESS, **params
                )
                # The package does not check the status of a response without "errors".
                status = self._response.status_code if self._response is not None else None
                if status not in SUCCESS or (status != 204 and not isinstance(answer, (dict, list))):
                    raise ValueError("no answer of success")
                return answer
        # requests: redirects and incomplete bodies, which the package lets through. ValueError: not JSON.
        # RecursionError: nested too deep to be parsed.
        except (DatadogException, requests.RequestException, ValueError, RecursionError) as error:
            raise self._explain(f"{method} {self._public_url}/api/{version}/{path}", error) from None

    @contextmanager
    def _library_settings(self) -> Iterator[None]:
        before = {name: getattr(datadog_api, name) for name in self._settings}
        try:
            for name, value in self._settings.items():
                setattr(datadog_api, name, value)
            with warnings.catch_warnings():
                if not self._validate_certs:
                    # Requested by validate_certs=false: do not warn at every call.
                    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
                yield
        finally:
            for name, value in before.items():
                setattr(datadog_api, name, value)

    def _explain(self, endpoint: str, error: Exception) -> DatadogError:
        cut = isinstance(error, requests.RequestException) and not isinstance(error, requests.TooManyRedirects)
        if self._response is None or cut or isinstance(error, (ClientError, HttpTimeout, ProxyError)):
            kind, words, fix, sent = _explain_transport(error)
            return DatadogError(kind, self._redact(words), fix=fix, endpoint=endpoint, lost=sent)
        kind, words, fix = explain_answer(self._response)
        status = self._response.status_code
        return DatadogError(
            kind, self._redact(words), fix=fix, endpoint=endpoint, status=status, lost=status in SUCCESS
        )

    def _redact(self, text: str) -> str:
        for key in self._keys:
            text = text.replace(key, "********")
        return text


def _explain_transport(error: Exception) -> tuple[str, str, str, bool]:
    """Return kind, words and fix if there was no response, and whether the request was sent.

    Distinguishes what the package combines in one error; the cause is available as its context.
    """
    cause = error.__context__ or error
    # The innermost reason is the most readable: urllib3 wraps it in the URL and the number of its own attempts.
    reason = getattr(cause.args[0] if cause.args else None, "reason", None) or cause
    words = re.sub(r"^.*Connection.* object at 0x[0-9a-f]+>: |^<?\w+\(.*\): ", "", str(reason))
    if isinstance(cause, requests.exceptions.SSLError):
        return (
            "tls",
            words,
            "Check datadog_api_url; for your own certificate authority, set REQUESTS_CA_BUNDLE.",
            False,
        )
    if re.search("NameResolution|resolve|name resolution|not known|getaddrinfo", f"{type(reason).__name__} {words}"):
        return "dns", words, "Check datadog_site or datadog_api_url for a typing error, and this machine's DNS.", False
    if isinstance(cause, requests.exceptions.Timeout):
        fix = "Check that this machine reaches it (proxy, firewall), or increase api_timeout."
        return "timeout", words, fix, not isinstance(cause, requests.exceptions.ConnectTimeout)
    fix = "Check datadog_api_url, and that this machine reaches it (proxy, firewall)."
    unsent = isinstance(cause, requests.exceptions.ProxyError) or "NewConnectionError" in type(reason).__name__
    return "connection", words, fix, not unsent


def no_proxy_to_loopback(url: str) -> dict[str, str] | None:
    """Return proxy settings that keep a call to this machine (the lab) away from a proxy of the environment."""
    try:
        host = urlsplit(url).hostname or ""
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    # A name rather than an address.
    except ValueError:
        return None
    return {"no_proxy": host} if loopback else None
