"""Booking: patients, appointments and the outcomes of the commands about them. It alone decides what lives."""
