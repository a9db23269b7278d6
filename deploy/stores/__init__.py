"""What the services expect of their stores, on whatever servers: databases with roles and schemas, and topics.

Called by the embedded stack, `deploy.compose`, the commands, and tests. Safe to repeat: what is there already stays.
"""
