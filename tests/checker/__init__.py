"""A checker from outside: whether a running Frontdesk kept its invariants, told from what anybody can see of it.

It knows topic names, JSON fields, table names and HTTP answers, as plain data, and imports nothing of the system: what the system
believes of itself must not be what it is judged by. `check.check` does it all; fault tests call it after every round.
"""
