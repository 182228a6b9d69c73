"""Events, searched."""

from ..errors import Refused
from ..wire.bodies import Json
from . import lucene


def finder(query: str) -> lucene.Test:
    """What a search asks of an event: words in its texts and tags, KEY:word in its tags. Raises Refused(400)."""

    def values(event: Json, key: str) -> list[str]:
        tags = [*(event.get("tags") or []), f"host:{event.get('host')}"]
        if not key:
            return [event["title"], event["text"], *tags]
        return [tag.removeprefix(f"{key}:") for tag in tags if tag.startswith(f"{key}:")]

    def refuse(why: str) -> Refused:
        return Refused(400, f"input_validation_error(Field 'filter.query' is invalid: {why})")

    return lucene.parse(query, values, refuse)
