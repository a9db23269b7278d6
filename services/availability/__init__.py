"""Availability owns the directory, the calendar and the slots: it decides which slot a booking gets, or that it gets none."""
