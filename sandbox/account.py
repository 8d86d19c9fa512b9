"""What our own services read from, and put into, the part of the account that moto keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from .memorydb_state import SubnetFacts
from .service import AwsError
from .ssm_instances import InstanceFacts

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from .clock import Clock

#: The account that moto has where nobody made another.
ACCOUNT_ID = "123456789012"


class Account:
    """The network, the instances and the buckets of one account in one Region. Safe for threads."""

    def __init__(self, region: str, clock: Clock, lock: threading.RLock) -> None:
        self._region = region
        self._clock = clock
        self._lock = lock

    @property
    def ec2(self) -> Any:
        """Moto's books of EC2. Hold the lock to use them."""
        return ec2_backends[ACCOUNT_ID][self._region]

    def subnet(self, subnet_id: str) -> SubnetFacts | None:
        """The subnet with that id, if there is one."""
        return next((subnet for subnet in self._subnets() if subnet.subnet_id == subnet_id), None)

    def default_subnets(self) -> Sequence[SubnetFacts]:
        """The subnets of the default VPC."""
        with self._lock:
            default = self.ec2.default_vpc
        return [subnet for subnet in self._subnets() if default and subnet.vpc_id == default.id]

    def _subnets(self) -> list[SubnetFacts]:
        with self._lock:
            return [
                SubnetFacts(subnet.id, subnet.vpc_id, subnet.availability_zone, subnet.availability_zone_id)
                for zones in self.ec2.subnets.values()
                for subnet in zones.values()
            ]

    def security_group_vpc(self, group_id: str) -> str | None:
        """The VPC of a security group, None if there is no such group."""
        with self._lock:
            group = self.ec2.get_security_group_from_id(group_id)
        return None if group is None else str(group.vpc_id)

    def instances(self) -> list[InstanceFacts]:
        """All instances that are not gone."""
        with self._lock:
            found = [instance for instance in self.ec2.all_instances() if instance.state != "terminated"]
            profiles = set(self.ec2.iam_instance_profile_associations)
            return [self._facts(instance, profiles) for instance in found]

    def _facts(self, instance: Any, profiles: set[str]) -> InstanceFacts:
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        return InstanceFacts(
            instance_id=instance.id,
            name=tags.get("Name", ""),
            tags=tags,
            state=instance.state,
            has_profile=instance.id in profiles,
            launched_at=self._clock.simulated(instance.launch_time),
            private_ip=instance.private_ip or "",
        )

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Store an object. Raises AwsError (NoSuchBucket) where there is no such bucket."""
        with self._lock:
            backend = s3_backends[ACCOUNT_ID]["aws"]
            if bucket not in backend.buckets:
                raise AwsError("NoSuchBucket", f"The specified bucket does not exist: {bucket}", 404)
            backend.put_object(bucket, key, body)


def issued_key(access_key_id: str) -> bool:
    """Whether moto gave this key id out: for a role that was assumed, or for a user. Hold moto's lock."""
    of_roles = (backend for account in sts_backends.values() for backend in account.values())
    if any(backend.get_assumed_role_from_access_key(access_key_id) for backend in of_roles):
        return True
    of_users = (backend for account in iam_backends.values() for backend in account.values())
    return any(
        key.access_key_id == access_key_id
        for backend in of_users
        for key in backend.get_all_access_keys_for_all_users()
    )
