"""The files that pages load: style sheet, scripts and icon from here, the charts' library from its package.

Each has an address that changes with what it holds, so that browsers keep it for good, and is packed once.
"""

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..errors import Refused

_HERE = Path(__file__).parent / "static"
# It ships uPlot as its makers built it, and nothing else is used of it.
_PACKAGE = "metaflow-card-uplot"
_SHIPPED = ("uPlot.iife.min.js", "uPlot.min.css")
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class _Asset:
    plain: bytes
    packed: bytes
    type: str
    address: str


def packed(request: Request, plain: bytes, zipped: bytes | None = None) -> tuple[bytes, Mapping[str, str]]:
    """A body as this client takes it, and the headers that say so."""
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return plain, headers
    return zipped or gzip.compress(plain, 5, mtime=0), {**headers, "Content-Encoding": "gzip"}


def address(name: str) -> str:
    """Where the file is served."""
    return _assets()[name].address


def routes() -> list[BaseRoute]:
    """The route of all of them. An address of another content is not found."""

    def serve(request: Request) -> Response:
        found = _assets().get(request.path_params["name"])
        if found is None or found.address != request.url.path:
            raise Refused(404, "There is no such file")
        body, headers = packed(request, found.plain, found.packed)
        return Response(body, headers={**headers, "Cache-Control": _FOR_GOOD}, media_type=found.type)

    return [Route("/static/{digest}/{name}", serve)]


@functools.cache
def _assets() -> dict[str, _Asset]:
    try:
        shipped = [Path(str(one.locate())) for one in files(_PACKAGE) or () if one.name in _SHIPPED]
    # Pages are there without it, and only their charts are not.
    except PackageNotFoundError:
        shipped = []
    found = {name: _asset(name, b"") for name in _SHIPPED}
    return found | {path.name: _asset(path.name, path.read_bytes()) for path in [*shipped, *_HERE.iterdir()]}


def _asset(name: str, plain: bytes) -> _Asset:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    digest = hashlib.sha256(plain).hexdigest()[:16]
    return _Asset(plain, gzip.compress(plain, 9, mtime=0), kind, f"/static/{digest}/{name}")
