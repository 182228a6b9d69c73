"""The two keys of the lab, and which calls need them."""

import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from ..errors import Refused

_VALIDATE = "/api/v1/validate"


@dataclass(frozen=True)
class Keys:
    """The API key, for sending, and the application key, which reading also needs."""

    api_key: str = field(repr=False)
    app_key: str = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """Read {"api_key": ..., "app_key": ...} from `path`. Raises ValueError if one is missing or empty."""
        content = json.loads(path.read_text(encoding="utf-8"))
        found = [content.get(name) for name in ("api_key", "app_key")] if isinstance(content, dict) else []
        keys = [key for key in found if isinstance(key, str) and key]
        if len(keys) < 2:
            raise ValueError(f"{path}: needs api_key and app_key")
        return cls(*keys)

    def check(self, request: Request, *, application: bool) -> None:
        """Raise Refused(403) unless the request has the API key and, if required, the application key."""
        sent = _sent(request, "dd-api-key", "api_key")
        if not sent and request.scope.get("path") == _VALIDATE:
            raise Refused(403, "API key required")
        if not _same(sent, self.api_key) or (
            application and not _same(_sent(request, "dd-application-key", "application_key"), self.app_key)
        ):
            raise Refused(403, "Forbidden")


def _sent(request: Request, header: str, parameter: str) -> str:
    """Return a key from the header or, for older Agents and clients, from the query string."""
    return request.headers.get(header) or request.query_params.get(parameter, "")


def _same(sent: str, key: str) -> bool:
    return hmac.compare_digest(sent.encode(), key.encode())
