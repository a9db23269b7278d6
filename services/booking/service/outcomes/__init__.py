"""How commands end: decided, settled, answered again, failed."""
