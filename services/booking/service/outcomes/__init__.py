"""How commands end: decided, settled, answered again, looked up, closed, failed."""
