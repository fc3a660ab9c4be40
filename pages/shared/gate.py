"""The password of a workspace: how it is compared, and how often it may be guessed."""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import dataclass, field

DELAY = 1.0  # seconds that every answer takes, right or wrong
WINDOW = 900.0  # seconds over which attempts count
OF_ONE, OF_ALL = 5, 100  # wrong attempts in that time, of one client and of all together
CLIENTS = 1000  # clients remembered; those who tried longest ago are forgotten first


@dataclass
class Attempts:
    """Wrong passwords of the last quarter of an hour, in memory and bounded.

    An attempt is counted before it is compared, so that many at the same time are no way around the limit.
    """

    by_client: dict[str, list[float]] = field(default_factory=dict)
    of_all: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, given: str, password: str, client: str, now: float) -> bool:
        """Whether `given` opens the workspace; never while `wait` says that there is no try left."""
        with self.lock:
            if self._wait(client, now) > 0:
                return False
            own = [*self.by_client.pop(client, []), now][-OF_ONE:]
            self.by_client[client] = own  # the newest last
            self.of_all = [*self.of_all, now][-OF_ALL:]
            while len(self.by_client) > CLIENTS:
                self.by_client.pop(next(iter(self.by_client)))
        right = is_same(given, password)
        if right:
            with self.lock:
                self.by_client.pop(client, None)
                if now in self.of_all:
                    self.of_all.remove(now)
        return right

    def wait(self, client: str, now: float) -> float:
        """Seconds until this client may try again; 0 when it may now."""
        with self.lock:
            return self._wait(client, now)

    def _wait(self, client: str, now: float) -> float:
        limits = ((self.by_client.get(client, []), OF_ONE), (self.of_all, OF_ALL))
        return max(max(0.0, times[-most] + WINDOW - now) if len(times) >= most else 0.0 for times, most in limits)


def is_same(given: str, password: str) -> bool:
    """Compare in a time that tells nothing, not even of the length."""
    digests = [hashlib.sha256(text.encode(errors="surrogatepass")).digest() for text in (given, password)]
    return hmac.compare_digest(*digests)


ATTEMPTS = Attempts()
