"""Schedules, exceptions and days, and the slots that are generated out of them."""
