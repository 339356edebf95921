from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from local_aws import Aws, start

from wideload.local import daemon

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """One embedded AWS for all tests that leave nothing behind for the others."""
    state = tmp_path_factory.mktemp("aws")
    yield start(state)
    daemon.stop(state)
