"""`python -m deploy.reference` writes all documents that are made of the code."""

from pathlib import Path

from deploy.reference.documents import write

write(Path(__file__).parents[2])
