"""Every metric of a service process, on one registry of our own: what a scrape answers is exactly what is declared here.

Labels come from closed sets only (route template, topic, message type, outcome), never from a clinic, a doctor or an id.
The HTTP middleware, the consumer and the outbox count here; `health.py` renders it.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

# The times of creation would double the series of every counter, and nobody reads them.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
"""One per process. The library's global registry stays empty, so no dependency can add to what we promise."""

SECONDS = (0.005, 0.010, 0.015, 0.025, 0.050, 0.100, 0.250, 1.0, 5.0)
BLOCKED_SECONDS = (0.010, 0.025, 0.050, 0.100, 0.200, 0.500, 1.0, 5.0)
RECORDS = (1, 2, 5, 10, 25, 50, 100, 250, 500)

HTTP_REQUESTS = Counter("frontdesk_http_requests", "Requests answered", ["route", "method", "status"], registry=REGISTRY)
HTTP_DURATION = Histogram(
    "frontdesk_http_request_duration_seconds", "From the first byte in to the last byte out", ["route", "method"],
    buckets=SECONDS, registry=REGISTRY,
)  # fmt: skip

MESSAGES = Counter(
    "frontdesk_messages", "Messages by what became of them: processed, repeated, skipped, dead_lettered",
    ["topic", "type", "outcome"], registry=REGISTRY,
)  # fmt: skip
BATCH_SIZE = Histogram("frontdesk_batch_size", "Records in a batch", buckets=RECORDS, registry=REGISTRY)
BATCH_DURATION = Histogram(
    "frontdesk_batch_duration_seconds", "From a batch's arrival to its committed offsets", buckets=SECONDS, registry=REGISTRY
)
PARTITIONS_STOPPED = Gauge(
    "frontdesk_partitions_stopped", "Partitions left alone because their next record is an event of a later release",
    registry=REGISTRY,
)  # fmt: skip
BATCH_RETRIES = Counter("frontdesk_batch_retries", "Batches tried again, by kind of error", ["kind"], registry=REGISTRY)

OUTBOX_PUBLISHED = Counter("frontdesk_outbox_published", "Messages published after their commit", ["topic"], registry=REGISTRY)
OUTBOX_RELAYED = Counter(
    "frontdesk_outbox_relayed", "Messages that the relay published because nobody else had", ["topic"], registry=REGISTRY
)

LOCKS_SKIPPED = Counter("frontdesk_locks_skipped", "Day locks gone without: the row lock excludes alone", registry=REGISTRY)
RELEASES_IGNORED = Counter("frontdesk_releases_ignored", "Releases whose reservation holds no slot any more", registry=REGISTRY)

JOBS_FAILED = Counter(
    "frontdesk_jobs_failed", "Rounds of a background job that failed and will be tried again", ["job"], registry=REGISTRY
)
RESERVATIONS_QUESTIONED = Counter(
    "frontdesk_reservations_questioned", "Reservations that booking was asked about because it had not acknowledged them",
    registry=REGISTRY,
)  # fmt: skip
LOOP_BLOCKED = Histogram(
    "frontdesk_event_loop_blocked_seconds", "How late a short pause of the event loop ended: so long it was blocked",
    buckets=BLOCKED_SECONDS, registry=REGISTRY,
)  # fmt: skip
LOOP_LONGEST_BLOCK = Gauge(
    "frontdesk_event_loop_longest_block_seconds", "The longest block of the event loop since the process began",
    registry=REGISTRY,
)  # fmt: skip
STEPS_FAILED = Counter(
    "frontdesk_steps_failed", "Later steps of decided commands that became dead letters: their clients wait for a redrive",
    ["type"], registry=REGISTRY,
)  # fmt: skip
HOLDS_EXPIRED = Counter("frontdesk_holds_expired", "Holds that the sweep ended because nobody confirmed them", registry=REGISTRY)
COMMANDS_CLOSED = Counter("frontdesk_commands_closed", "Commands that never arrived, closed as lost", registry=REGISTRY)

COMMANDS = Counter("frontdesk_commands", "Commands by their outcome", ["type", "outcome"], registry=REGISTRY)
COMMAND_DURATION = Histogram(
    "frontdesk_command_duration_seconds", "From accepting a command to its answer, of those whose client waits", ["type"],
    buckets=SECONDS, registry=REGISTRY,
)  # fmt: skip
REPLIES = Counter("frontdesk_replies", "Replies to waiting gateways, by outcome", ["outcome"], registry=REGISTRY)

BUILD_INFO = Gauge("frontdesk_build_info", "Always 1; its labels say what runs", ["version", "service"], registry=REGISTRY)


def render() -> tuple[bytes, str]:
    """The body and the content type of a scrape."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
