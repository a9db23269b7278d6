"""What the image runs beside the services: the one-shot containers of `docker-compose.yml`, and every container's health check.

Nothing here needs the embedded stack, of which the image has no packages.
"""
