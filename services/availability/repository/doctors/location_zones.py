"""The zones of a doctor's locations inside a statement about `doctors`, as `doctor_zone` of the domain judges them."""

LOCATION_ZONES = """ARRAY(
  SELECT locations.time_zone FROM locations
  WHERE locations.clinic_id = doctors.clinic_id AND locations.doctor_id = doctors.id AND NOT locations.removed
  ORDER BY locations.place)"""
"""An array, null for a location that has the clinic's zone: a column of a statement that reads `doctors`."""
