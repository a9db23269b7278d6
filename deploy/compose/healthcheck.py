"""Whether the service in this container may be sent work: `python -m deploy.compose.healthcheck`, the image's health check.

It runs every few seconds in every container, so it imports as little as it can.
"""

import http.client
import os
import sys

TIMEOUT_SECONDS = 3.0


def ready(port: int) -> bool:
    """Whether `/health/ready` of the service on this port says so."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(int(os.environ.get("FRONTDESK_HTTP__PORT", "8000"))) else 1)
