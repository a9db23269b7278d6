"""What a change of a doctor's calendar does to appointments: use cases that need calls to availability and to booking."""
