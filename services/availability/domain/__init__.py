"""Availability's rules without I/O: calendars and their slots, days, reservations, displacement, codes of doctors."""
