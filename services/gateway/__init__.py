"""The gateway: the only door to the outside. It owns the clinics and keeps no booking state."""
