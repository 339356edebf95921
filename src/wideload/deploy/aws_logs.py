"""CloudWatch Logs through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy.aws_trouble import asking
from wideload.deploy.states import LogEvent, LogGroupState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_logs import CloudWatchLogsClient


class AwsLogs:
    """A `Logs`."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def find(self, group: str) -> LogGroupState | None:
        """The log group of this name."""
        with asking("logs"):
            pages = self._client.get_paginator("describe_log_groups").paginate(
                logGroupNamePrefix=group
            )
            for page in pages:
                for found in page["logGroups"]:
                    if found.get("logGroupName") == group:
                        return LogGroupState(found.get("retentionInDays"))
        return None

    def create(self, group: str) -> None:
        """Make a log group."""
        with asking("logs"):
            self._client.create_log_group(logGroupName=group)

    def set_retention(self, group: str, days: int) -> None:
        """Let events expire."""
        with asking("logs"):
            self._client.put_retention_policy(logGroupName=group, retentionInDays=days)

    def delete(self, group: str) -> None:
        """Take the log group away."""
        with asking("logs"):
            self._client.delete_log_group(logGroupName=group)

    def events(self, group: str, since: int) -> Iterator[LogEvent]:
        """Events from this time on (milliseconds since 1970), oldest first."""
        with asking("logs"):
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=since
            )
            for page in pages:
                for event in page["events"]:
                    yield LogEvent(
                        id=event.get("eventId", ""),
                        timestamp=event.get("timestamp", 0),
                        stream=event.get("logStreamName", ""),
                        message=event.get("message", ""),
                    )
