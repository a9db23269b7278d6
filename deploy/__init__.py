"""How Frontdesk is brought up: the `frontdesk` command, the stack without Docker, databases and topics.

Nothing in `services` or `shared` imports this package; it starts them from outside, as operations would.
"""
