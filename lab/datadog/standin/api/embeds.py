"""Embedded graphs: stored and listed. Only snapshots are drawn.

Source: the recordings of datadogpy 0.56 that tests/contract/test_replay.py replays
"""

import re
import secrets
from typing import Any
from urllib.parse import urlencode

from ..errors import Refused
from ..wire import user
from ..wire.bodies import Json, load
from .calls import Call, Room, on

_ALL, _ONE = "/api/v1/graph/embed", "/api/v1/graph/embed/{id}"
# Width and height in pixels.
_SIZES = {"small": (450, 150), "medium": (600, 300), "large": (900, 400), "xlarge": (1200, 600)}
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")


class Embeds(Room):
    @on("GET", _ALL)
    def every(self, call: Call) -> Json:
        return {"embedded_graphs": [_shown(one, {}) for one in self.documents.all("embed")]}

    @on("POST", _ALL)
    def create(self, call: Call) -> Json:
        sent, id_ = call.object(), secrets.token_hex(32)
        if not isinstance(sent.get("graph_json"), str) or not isinstance(load(sent["graph_json"].encode()), dict):
            raise Refused(400, "The parameter 'graph_json' is required")
        if sent.get("size", "medium") not in _SIZES:
            raise Refused(400, "The value provided for parameter 'size' is invalid")
        return self._put({"id": id_, "revoked": False, **{name: sent[name] for name in sent if name != "id"}})

    @on("GET", _ONE)
    def read(self, call: Call) -> Json:
        return _shown(self._need(call), call.query)

    @on("GET", _ONE + "/enable")
    def enable(self, call: Call) -> Json:
        return self._say(call, revoked=False)

    @on("GET", _ONE + "/revoke")
    def revoke(self, call: Call) -> Json:
        return self._say(call, revoked=True)

    def _need(self, call: Call) -> Json:
        return self.documents.need("embed", call.path["id"], "No embed matches that embed_id.")

    def _put(self, embed: Json) -> Json:
        self.documents.put("embed", embed["id"], embed)
        return _shown(embed, {})

    def _say(self, call: Call, *, revoked: bool) -> Json:
        with self.documents.lock:
            self._put({**self._need(call), "revoked": revoked})
        said = "revoked" if revoked else "enabled"
        return {"success": f"Embed {call.path['id']} successfully {said}."}


def _shown(embed: Json, values: dict[str, str]) -> Json:
    width, height = _SIZES[embed.get("size") or "medium"]
    names = list(dict.fromkeys(_VARIABLE.findall(embed["graph_json"])))
    query: dict[str, Any] = {"token": embed["id"], "height": height, "width": width}
    query["legend"] = str(embed.get("legend") == "yes").lower()
    address = urlencode({**query, **{name: values.get(name, "*") for name in names}}, safe="*")
    frame = f'width="{width}" height="{height}" frameBorder="0"'
    return {
        "embed_id": embed["id"],
        "template_variables": names,
        "html": f'<iframe src="https://app.datadoghq.com/graph/embed?{address}" {frame}></iframe>',
        "graph_title": embed.get("title"),
        "revoked": embed["revoked"],
        "dash_url": None,
        "dash_name": None,
        "shared_by": user.USER_ID,
    }
