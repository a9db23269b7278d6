"""What tests share: the servers of a session, settings of services on them, a stack of processes, waiting with a deadline."""
