"""Bringing a gateway to a number of events, quickly."""

from __future__ import annotations

from typing import Callable

from context import Context
from loadgen import generate
from servers import Gateway

BATCH = 500
CONNECTIONS = 16


def fill(context: Context, gateway: Gateway, events: int, each: Callable[[int], None] = lambda _: None) -> int:
    """Sends batches until the log has `events`, or a few more; returns how many. `each` hears the number as it
    grows."""
    have, rate = gateway.committed_events(), 300_000.0
    while have < events:
        seconds = min(5.0, max(0.2, (events - have) / rate))
        load = generate(context, gateway, seconds=seconds, connections=CONNECTIONS, events=BATCH, platform="native")
        rate = load.events_per_second
        have = gateway.committed_events()
        each(have)
    return have
