"""The stack without Docker: real servers out of Python packages, for development and tests.

`EmbeddedServers` is what tests start; `frontdesk up` adds the services and a supervisor.
"""

from deploy.embedded.servers import EmbeddedServers

__all__ = ["EmbeddedServers"]
