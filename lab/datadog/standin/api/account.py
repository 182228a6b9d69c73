"""The account of the lab: its data and everything that acts on it. Every call and every page receives it."""

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
    """The parts of an account, which share a clock."""

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
        """Return the account with the data in `store`."""
        clock, documents = Clock(), Documents(store)
        mailbox = Mailbox(documents, clock)
        watch, downtimes = Watch(store, documents, clock), Downtimes(documents, clock)
        monitors = Monitors(documents, downtimes, clock, watch.state)
        return cls(store, keys, clock, documents, mailbox, watch, downtimes, monitors, Faults())
