"""One account of the lab: its data and whatever acts on it, which every call and every page is given."""

from dataclasses import dataclass

from ..alert.downtimes import Downtimes
from ..alert.mailbox import Mailbox
from ..alert.monitors import Monitors
from ..alert.watch import Watch
from ..clock import Clock
from ..store import Store
from ..store.documents import Documents
from .faults import Faults
from .keys import Keys


@dataclass(frozen=True)
class Account:
    """The parts of an account; all go by one clock."""

    store: Store
    keys: Keys
    clock: Clock
    documents: Documents
    mailbox: Mailbox
    watch: Watch
    downtimes: Downtimes
    monitors: Monitors
    faults: Faults

    @classmethod
    def over(cls, store: Store, keys: Keys) -> "Account":
        """The account whose data `store` holds."""
        clock, documents = Clock(), Documents(store)
        mailbox = Mailbox(documents, clock)
        watch, downtimes = Watch(store, documents, clock), Downtimes(documents, clock)
        monitors = Monitors(documents, downtimes, clock, watch.state)
        return cls(store, keys, clock, documents, mailbox, watch, downtimes, monitors, Faults())
