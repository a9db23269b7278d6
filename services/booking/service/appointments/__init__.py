"""What happens to appointments: booked, held, moved, confirmed, cancelled, ended, read."""
