"""The addresses that all commands use: what the environment gives, else those of the embedded stack that runs here."""

from deploy.addresses import Addresses
from deploy.embedded.addresses import of_embedded_stack

ADDRESSES = Addresses(of_embedded_stack)
