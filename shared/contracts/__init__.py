"""The wire: every message and every shape that crosses from one service to another. Pydantic only, no I/O, no rules."""
