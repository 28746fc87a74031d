"""The wire's limits and options, in one place."""

from __future__ import annotations

from typing import Any

__all__ = [
    "ACCEPTED",
    "CHANNEL_OPTIONS",
    "GRACE_SECONDS",
    "LONGEST_ID",
    "LONGEST_LABEL",
    "LONGEST_MS",
    "LONGEST_PROMPT",
    "MAX_ASKED",
    "MAX_KEPT",
    "MAX_KEPT_BYTES",
    "MAX_LOG",
    "MAX_LOG_LINES",
    "MAX_MESSAGE",
    "MAX_PAYLOAD",
    "MAX_QUESTIONS",
    "MAX_RUNS",
    "MAX_RUNS_BYTES",
    "MAX_RUNS_IN_ALL",
    "MAX_RUN_BYTES",
    "MAX_RUN_EVENTS",
    "MAX_RUN_PARTS",
    "MAX_UNACKNOWLEDGED",
    "MAX_UNREAD",
    "PROTOCOL",
    "SERVER_OPTIONS",
    "STALL_SECONDS",
    "TRACEPARENT",
]

PROTOCOL = 1
ACCEPTED = ("nbagents-protocol", str(PROTOCOL))
"""The first thing that a server says in a stream: the token was right."""
MAX_MESSAGE = 128 * 1024 * 1024
"""Bytes in one message of the stream."""
MAX_PAYLOAD = MAX_MESSAGE - 1024 * 1024
"""Bytes in one value: what else is in its frame must fit too."""
MAX_KEPT = 512 * 1024 * 1024
"""Bytes of finished replies that a server keeps."""
MAX_UNREAD = 1024 * 1024
"""Bytes that wait for a slow client before it is no longer told what only informs."""
MAX_UNACKNOWLEDGED = 64 * 1024 * 1024
"""Bytes of a session that are sent ahead of their acknowledgement, and as many that wait to be sent; a frame
that is larger goes alone. What comes after these waits as what it is, and is written when its turn comes."""
STALL_SECONDS = 30.0
"""How long a session with that much unacknowledged waits for an acknowledgement before it ends."""
GRACE_SECONDS = 30.0
"""How long a session outlives its connection."""
LONGEST_MS = 2**32 - 1
"""The longest deadline that a call can carry, in milliseconds."""
TRACEPARENT = 55
"""Characters of a ``traceparent``, as the W3C writes one."""

# ---- what a server knows of runs
MAX_RUNS, MAX_RUNS_IN_ALL = 50, 1000
"""Runs that are kept for each workspace, and for all; those that began first go first."""
MAX_RUN_EVENTS, MAX_RUN_BYTES, MAX_RUN_PARTS = 20_000, 8 * 1024 * 1024, 200_000
"""What is kept of one run: events, their bytes, the lists and dictionaries in them; the oldest go first."""
MAX_KEPT_BYTES = 256 * 1024
"""Bytes of the events of one run that its server's journal keeps; the oldest go first."""
MAX_RUNS_BYTES = 256 * 1024 * 1024
"""Bytes kept of the events of all runs."""
MAX_ASKED = 1024 * 1024
"""Bytes in a request about runs, questions and memories, and in an event that a client tells."""
MAX_LOG, MAX_LOG_LINES = 256 * 1024, 10_000
"""Bytes and lines that are shown of a server's log, its end."""
MAX_QUESTIONS = 100
"""Questions that one session asks, or one server of this process, at the same time."""
LONGEST_ID, LONGEST_LABEL, LONGEST_PROMPT = 512, 300, 20_000
"""Characters of an id; of a title, a note or a reason; of what a person has said."""

_SIZE: list[tuple[str, Any]] = [
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
]
CHANNEL_OPTIONS: list[tuple[str, Any]] = [
    *_SIZE,
    ("grpc.keepalive_time_ms", 1_000),
    ("grpc.keepalive_timeout_ms", 1_000),
    # Without this a frozen peer is noticed after a minute, whatever the keepalive says.
    ("grpc.http2.ping_timeout_ms", 1_000),
    # A new connection to an address must not wait for the back-off of the one that broke.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.enable_http_proxy", 0),
]
SERVER_OPTIONS: list[tuple[str, Any]] = [
    *_SIZE,
    ("grpc.so_reuseport", 0),  # else a second server shares the port of the first, silently
    ("grpc.http2.min_ping_interval_without_data_ms", 500),
    ("grpc.http2.max_ping_strikes", 0),
    # The core drops waiting calls at random above 1,000 otherwise.
    ("grpc.server.max_pending_requests", 1_000_000),
    ("grpc.server.max_pending_requests_hard_limit", 1_000_000),
]
