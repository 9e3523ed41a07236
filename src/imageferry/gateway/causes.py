"""Files by the reason they share, with what to do about it."""

from collections.abc import Mapping

from imageferry.errors import Reason
from imageferry.gateway.schemas.jobs import Cause


def causes(counts: Mapping[Reason, int]) -> list[Cause]:
    """The reasons with their counts, the most frequent first."""
    return [
        Cause(reason=reason, title=reason.sentence, mender=reason.mender, mend=reason.mend, count=count)
        for reason, count in sorted(counts.items(), key=lambda counted: -counted[1])
    ]
