# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of calls to the Datadog API, with its own words and the fix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .._secrets.names import public_text

if TYPE_CHECKING:
    import requests


class DatadogError(Exception):
    """A call failed.

    :ivar kind: ``settings``, ``key`` (401, 403), ``request`` (other 4xx), ``rate_limit``, ``server`` (5xx),
        ``answer`` (not JSON, a redirect), ``connection``, ``dns``, ``tls`` or ``timeout``.
    :ivar status: HTTP status, or None if there was no response.
    :ivar endpoint: method and URL, without credentials or query.
    :ivar words: message of the API or the transport.
    :ivar fix: what to do about it.
    :ivar lost: whether the request was sent and perhaps executed, but there is no response that says so.

    ``str()`` returns all of these as one message. None of them contains a key.
    """

    def __init__(
        self, kind: str, words: str, *, fix: str, endpoint: str = "", status: int | None = None, lost: bool = False
    ) -> None:
        # They may quote a URL with its password, such as a proxy's.
        words = public_text(words)
        self.kind, self.words, self.fix, self.endpoint, self.status = kind, words, fix, endpoint, status
        self.lost = lost or kind == "server"
        said = f"{status} {words}".strip() if status else words
        super().__init__(f"{f'{endpoint}: ' if endpoint else ''}{said.rstrip('.')}. {fix}")

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.kind in ("rate_limit", "server", "connection", "dns", "timeout")


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Return in how many seconds the rate limit is reset, or None. The header may be joined from two: "7, 7"."""
    for name in ("x-ratelimit-reset", "retry-after"):
        numbers = re.findall(r"\d+", headers.get(name, ""))
        if numbers and re.fullmatch(r"[\d\s,.]+", headers[name]):
            return float(max(map(int, numbers)))
    return None


def explain_answer(response: requests.Response) -> tuple[str, str, str]:
    """Return kind, words and fix of an unsuccessful response."""
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
        return "server", words, "Datadog has an internal problem. Run it again later."
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
    """Return the message in the body: the API's errors, or the beginning of anything else."""
    try:
        errors = response.json()["errors"]
        texts = [
            str(item.get("detail") or item.get("title") or item) if isinstance(item, dict) else str(item)
            for item in (errors if isinstance(errors, list) else [errors])
        ]
        if texts:
            return "; ".join(texts)
    # The body is not JSON, or has another structure: quote its beginning.
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    text = " ".join(re.sub(r"<[^>]*>", " ", response.text).split())
    return (text[:117] + "..." if len(text) > 120 else text) or response.reason or "an empty body"
