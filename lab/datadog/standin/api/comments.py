"""Comments: events written by a person, and replies to events.

Source: the recordings of datadogpy 0.56 that tests/contract/test_replay.py replays
"""

from ..errors import Refused
from ..wire import user
from ..wire.bodies import Json
from .calls import Call, on
from .events import Events, rounded

_ALL, _ONE = "/api/v1/comments", "/api/v1/comments/{id:id}"


class Comments(Events):
    @on("POST", _ALL)
    def create(self, call: Call) -> Json:
        sent = _checked(call)
        related = sent.get("related_event_id")
        more = {} if related is None else {"related_event_id": self.need(int(related))["id"]}
        event = {
            "title": "",
            "text": sent["message"],
            "alert_type": "user_update",
            "handle": sent.get("handle") or user.HANDLE,
            "date_happened": int(self.clock.now()),
        }
        return _shown(self.keep({**event, **more}))

    @on("PUT", _ONE)
    def update(self, call: Call) -> Json:
        found, sent = self._comment(call), _checked(call)
        changed = {**found, "text": sent["message"], "handle": sent.get("handle") or found["handle"]}
        self.documents.put("event", found["id"], changed)
        return _shown(changed)

    @on("DELETE", _ONE)
    def delete(self, call: Call) -> None:
        self.documents.delete("event", self._comment(call)["id"])

    def _comment(self, call: Call) -> Json:
        found = self.need(call.path["id"])
        if found.get("alert_type") != "user_update":
            raise Refused(404, "No comment matches that comment_id.")
        return found


def _checked(call: Call) -> Json:
    sent = call.object()
    if not isinstance(sent.get("message"), str):
        raise Refused(400, "The parameter 'message' is required")
    return sent


def _shown(event: Json) -> Json:
    id_ = event["id"]
    related = {"related_event_id": str(event["related_event_id"])} if "related_event_id" in event else {}
    shown = {"id": rounded(id_), "message": event["text"], "handle": event["handle"], **related}
    return {"comment": {**shown, "url": f"/event/event?id={id_}", "resource": f"/api/v1/comments/{id_}"}}
