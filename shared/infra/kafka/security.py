"""How clients of Kafka connect: addresses, TLS and SASL, out of `KafkaConnection`, for aiokafka and for FastStream alike.

Called by whoever makes a client: `broker`, `producer`, and `deploy.stores`.
"""

import ssl
from typing import Any

from shared.infra.settings import KafkaConnection


def client_options(connection: KafkaConnection) -> dict[str, Any]:
    """The options of a client of aiokafka. Raises `ssl.SSLError` for files that hold no certificates."""
    options: dict[str, Any] = {
        "bootstrap_servers": connection.bootstrap_servers.split(","),
        "security_protocol": connection.security_protocol,
        "ssl_context": tls_context(connection),
    }
    if connection.uses_sasl and connection.sasl_password is not None:
        options |= {
            "sasl_mechanism": connection.sasl_mechanism,
            "sasl_plain_username": connection.sasl_username,
            "sasl_plain_password": connection.sasl_password.get_secret_value(),
        }
    return options


def tls_context(connection: KafkaConnection) -> ssl.SSLContext | None:
    """Verifies the brokers' certificates and names; None without TLS."""
    if not connection.uses_tls:
        return None
    context = ssl.create_default_context(cafile=connection.ssl_cafile)
    if connection.ssl_certfile is not None:
        context.load_cert_chain(connection.ssl_certfile, connection.ssl_keyfile)
    return context
