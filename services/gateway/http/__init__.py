"""Reading requests and writing answers, alike for all routes."""
