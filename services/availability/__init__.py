"""Availability owns doctors, their days and the slots of these: it decides which place a booking gets, and takes it back."""
