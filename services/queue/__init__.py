"""The queue service: who waits for a doctor on a day, and at which position."""
