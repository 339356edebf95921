"""The Node.js loader against the embedded AWS, which checks every signature and every right."""

from __future__ import annotations

import pytest
from node_world import NodeWorld
from test_loader_embedded import (
    aws,
    test_a_role_that_may_read_another_object_is_told_what_it_lacks,
    test_a_role_that_may_read_one_object_starts_the_function,
)

from wideload.cache import Cache

pytestmark = pytest.mark.network

__all__ = [
    "aws",
    "test_a_role_that_may_read_another_object_is_told_what_it_lacks",
    "test_a_role_that_may_read_one_object_starts_the_function",
]


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> NodeWorld:
    cache = Cache(tmp_path_factory.mktemp("cache"))
    return NodeWorld(tmp_path_factory.mktemp("world"), "nodejs22.x", cache)
