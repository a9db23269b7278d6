"""What the routes about patients and notes do alike: the codec of the process."""

from fastapi import Request

from services.booking.identifiers import Codec


def codec_of(request: Request) -> Codec:
    """The codec of the process that answers."""
    codec: Codec = request.app.state.codec
    return codec
