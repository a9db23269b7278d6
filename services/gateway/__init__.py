"""The gateway: the only door to the outside. It owns the clinics, turns requests into commands and reads, and keeps no booking state."""
