"""What `docker compose up` runs once before the services, out of the same image. Nothing here needs the embedded stack."""
