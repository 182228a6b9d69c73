"""The files that pages load: style sheet, scripts and icon from here, the charts' library from its package.

Each has an address that changes with its content, so that browsers keep it for good.
"""

import functools
import hashlib
from importlib.metadata import files
from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import Refused

# Compress whatever a person's browser loads, if it accepts that.
COMPRESSED = (Middleware(GZipMiddleware, minimum_size=0, compresslevel=5),)
_HERE = Path(__file__).parent / "static"
# It ships uPlot as its makers built it, and nothing else is used of it.
_PACKAGE = "metaflow-card-uplot"
_SHIPPED = ("uPlot.iife.min.js", "uPlot.min.css")
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


@functools.cache
def _paths() -> dict[str, Path]:
    shipped = (Path(str(one.locate())) for one in files(_PACKAGE) or () if one.name in _SHIPPED)
    return {path.name: path for path in (*shipped, *_HERE.iterdir())}


@functools.cache
def address(name: str) -> str:
    """Return where the file is served."""
    return f"/static/{hashlib.sha256(_paths()[name].read_bytes()).hexdigest()[:16]}/{name}"


def routes() -> list[BaseRoute]:
    """Return the route of all of them. An address of another content is not found."""

    def serve(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _paths() or address(name) != request.url.path:
            raise Refused(404, "There is no such file")
        return FileResponse(_paths()[name], headers=_FOR_GOOD)

    return [Route("/static/{digest}/{name}", serve, middleware=COMPRESSED)]
