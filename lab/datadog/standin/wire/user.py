"""The only user and organization of the lab, as in API responses."""

from typing import Any

ORG = 424242
USER_ID = 4242
HANDLE = "lab@kennel.example"
NAME = "Kennel lab"
AUTHOR = {"handle": HANDLE, "name": NAME}
CREATOR: dict[str, Any] = {"id": USER_ID, "name": NAME, "handle": HANDLE, "email": HANDLE}

_UUID = "4b656e6e-656c-4c61-b000-000000004242"
_SINCE = "2026-01-01T00:00:00.000000+00:00"
# How v2 responses refer to the user, and what they include about it.
USER_LINK = {"data": {"type": "users", "id": _UUID}}
USER = {
    "type": "users",
    "id": _UUID,
    "attributes": {
        "name": NAME,
        "handle": HANDLE,
        "email": HANDLE,
        "icon": "",
        "title": None,
        "status": "Active",
        "created_at": _SINCE,
        "modified_at": _SINCE,
        "last_login_time": _SINCE,
        "allowed_login_methods": [],
        "verified": True,
        "service_account": False,
        "disabled": False,
    },
}
