"""The gateway: the public HTTP API. It owns the clinics and keeps no booking state."""
