"""Files other than evidence (exports, uploads) in an object store that keeps to the declared list."""

from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest
from storages.backends.s3 import S3Storage

from audit.residency import admit


def guard(session: boto3.Session, *, purpose: str) -> boto3.Session:
    """Make every client of `session` raise OutsideJurisdiction before a request leaves for an undeclared host.

    It also stands where the endpoint is not in the settings: a bucket's redirect, a region taken from the environment.
    """

    def before(request: AWSPreparedRequest, **kwargs: Any) -> None:
        admit(url=str(request.url), purpose=purpose)

    session.events.register("before-send.*", before)
    return session


class ResidentS3Storage(S3Storage):  # type: ignore[misc]  # django-storages is not typed
    """django-storages' S3 with a guarded session."""

    def _create_session(self) -> boto3.Session:
        session: boto3.Session = super()._create_session()
        return guard(session, purpose="files")
