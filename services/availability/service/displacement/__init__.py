"""Use cases about displaced appointments, which get new places."""
