"""Given servers: unfit ones are named at once, somebody's data is not touched, and what a session made is gone after it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy import blocking, databases, topics
from deploy.embedded import EmbeddedServers
from deploy.embedded.backend import Backend
from deploy.embedded.failure import StackError
from deploy.embedded.ports import LOOPBACK, any_free
from tests.support import given as module
from tests.support.given import ADDRESSES, given

...
