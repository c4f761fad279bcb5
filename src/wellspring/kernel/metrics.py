"""Prometheus metrics of this process."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()
REQUESTS: Final = Counter("http_requests_total", "Requests", ["method", "route", "status"], registry=REGISTRY)
DURATION: Final = Histogram(
    "http_request_duration_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
CHECKINS: Final = Counter("checkin_created_total", "Check-ins stored", registry=REGISTRY)
CRISES: Final = Counter("crisis_detected_total", "Crisis events opened", ["level"], registry=REGISTRY)
COMPLETED: Final = Counter("intervention_completed_total", "Micro-actions completed", registry=REGISTRY)
SOCKETS: Final = Gauge("open_streams", "Open sockets and event streams", registry=REGISTRY)
