"""What operations read of a running system from outside: Kafka's log, dead letters, the services' databases.

Nothing here joins a consumer group, holds a lock or writes to a database, so the services do not notice. Called by the commands,
which hand in the addresses.
"""
