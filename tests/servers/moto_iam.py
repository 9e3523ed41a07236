"""moto with users: it checks their signatures, and their policies for each request."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import count

import boto3
import moto.settings
from moto.server import ThreadedMotoServer

from imageferry.stores.s3_options import AwsAccess

BUCKET = "pictures"
ACTIONS = {"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket", "s3:AbortMultipartUpload"}
_numbers = count(1)  # the servers of a process share their users


@contextmanager
def moto_iam(*, denied: Collection[str] = ()) -> Iterator[AwsAccess]:
    """Run a server with a bucket and a user who may do everything but what is denied; yield the user's access."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    before = moto.settings.INITIAL_NO_AUTH_ACTION_COUNT
    try:
        any_key = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=endpoint, **any_key).create_bucket(Bucket=BUCKET)
        iam = boto3.client("iam", endpoint_url=endpoint, **any_key)
        user = f"ferry-{next(_numbers)}"
        iam.create_user(UserName=user)
        statement = {"Effect": "Allow", "Action": sorted(ACTIONS.difference(denied)), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=user, PolicyName="policy", PolicyDocument=policy)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0  # from now on it checks
        yield AwsAccess(
            access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"], endpoint_url=endpoint
        )
    finally:
        moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = before
        server.stop()
