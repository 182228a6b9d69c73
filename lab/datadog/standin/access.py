"""Who may send and who may read."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from .decode import Refused


@dataclass(frozen=True)
class Keys:
    """The API key, for sending, and the application key that reading needs as well."""

    api_key: str = field(repr=False)
    app_key: str = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Keys:
        """Read {"api_key": ..., "app_key": ...} from `path`. Raises ValueError when one is missing or empty."""
        content = json.loads(path.read_text(encoding="utf-8"))
        keys = [content.get(name) for name in ("api_key", "app_key")] if isinstance(content, dict) else []
        if not keys or not all(isinstance(key, str) and key for key in keys):
            raise ValueError(f"{path}: needs api_key and app_key")
        return cls(*keys)

    def check(self, request: Request, *, application: bool) -> None:
        """Raise Refused(403) unless the request bears the API key, and the application key where that is asked."""
        if not _same(_sent(request, "dd-api-key", "api_key"), self.api_key):
            raise Refused(403, "Forbidden")
        if application and not _same(_sent(request, "dd-application-key", "application_key"), self.app_key):
            raise Refused(403, "Forbidden")


def _sent(request: Request, header: str, parameter: str) -> str:
    """A key from the header or, as older Agents and clients send it, from the query."""
    return request.headers.get(header) or request.query_params.get(parameter, "")


def _same(sent: str, key: str) -> bool:
    return hmac.compare_digest(sent.encode(), key.encode())
