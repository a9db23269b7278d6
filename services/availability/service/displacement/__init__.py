"""New places for appointments that a calendar has left without one."""
