"""The services behind the gateway, over internal HTTP: calls to them, and what is known of their ids."""
