"""What the routes about patients and notes do alike: the codec of the process, and the version that was read."""

from fastapi import Request, Response

from services.booking.identifiers import Codec
from shared.contracts.patients import PatientView
from shared.infra.forms import etag


def tagged(response: Response, patient: PatientView) -> PatientView:
    """The patient, with its version for `If-Match`."""
    response.headers["ETag"] = etag(patient.version)
    return patient


def codec_of(request: Request) -> Codec:
    """The codec of the process that answers."""
    codec: Codec = request.app.state.codec
    return codec
