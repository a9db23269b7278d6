"""Use cases about a doctor's calendar: schedules, exceptions, days, and the slots that are generated from them."""
