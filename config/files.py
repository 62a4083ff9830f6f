"""Files other than evidence (exports, uploads) in an object store that keeps to the declared list."""

import boto3
from storages.backends.s3 import S3Storage

from audit.residency import guard


class ResidentS3Storage(S3Storage):  # type: ignore[misc]  # django-storages is not typed
    """django-storages' S3 with a guarded session."""

    def _create_session(self) -> boto3.Session:
        session: boto3.Session = super()._create_session()
        return guard(session, purpose="files")
