"""The stack without Docker: real servers out of Python packages, for development and tests.

`servers.EmbeddedServers` is what tests start; `frontdesk up` adds the services and a supervisor (`stack`).
"""
