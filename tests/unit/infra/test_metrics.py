"""The metrics that operations rely on are there under their names, on a registry that nothing else writes to."""

from typing import Any

import pytest
from prometheus_client import REGISTRY as LIBRARY
from prometheus_client.parser import text_string_to_metric_families

from shared.infra.metrics import REGISTRY, SECONDS, render

pytestmark = pytest.mark.unit

PROMISED = {
    "frontdesk_http_requests_total": ("route", "method", "status"),
    "frontdesk_http_request_duration_seconds": ("route", "method"),
    "frontdesk_build_info": ("version", "service"),
    "frontdesk_messages_total": ("topic", "type", "outcome"),
    "frontdesk_batch_size": (),
    "frontdesk_batch_duration_seconds": (),
    "frontdesk_batch_retries_total": ("kind",),
    "frontdesk_outbox_published_total": ("topic",),
    "frontdesk_outbox_relayed_total": ("topic",),
    "frontdesk_locks_skipped_total": (),
    "frontdesk_releases_ignored_total": (),
    "frontdesk_commands_total": ("type", "outcome"),
    "frontdesk_command_duration_seconds": ("type",),
    "frontdesk_replies_total": ("outcome",),
    "frontdesk_event_loop_blocked_seconds": (),
    "frontdesk_event_loop_longest_block_seconds": (),
}


def test_names_and_labels_are_as_promised() -> None:
    collectors: list[Any] = list(REGISTRY._collector_to_names)
    declared = {one._name + ("_total" if one._type == "counter" else ""): one._labelnames for one in collectors}
    assert {name: declared.get(name) for name in PROMISED} == PROMISED
    assert all(name.startswith("frontdesk_") for name in declared)


def test_durations_share_their_buckets() -> None:
    assert SECONDS == (0.005, 0.010, 0.015, 0.025, 0.050, 0.100, 0.250, 1.0, 5.0)


def test_a_scrape_is_what_is_declared_and_nothing_of_the_librarys() -> None:
    body, content_type = render()
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert "frontdesk_locks_skipped" in families
    assert all(name.startswith("frontdesk_") and not name.endswith("_created") for name in families)
    assert not any(name.startswith("frontdesk_") for name in LIBRARY._names_to_collectors)
    assert content_type.startswith("text/plain")
