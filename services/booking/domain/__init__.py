"""Booking's rules without I/O: `appointments`, the `commands` about them, the `patient_calendar`, and `patients`.

The clock is passed in. Called by the use cases in `service/`.
"""
