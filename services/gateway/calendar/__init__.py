"""What a change of a doctor's calendar does to appointments; it takes calls to two owners."""
