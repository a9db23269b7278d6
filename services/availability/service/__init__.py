"""The use cases of availability, by what they are about: doctors, calendars, slots, displaced appointments, the directory."""
