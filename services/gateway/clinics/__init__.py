"""Clinics and their settings, which are the gateway's own."""
