"""`make image` on this tree. It mostly waits for packages, which other tests need not wait for too; what
the image does is looked at by tests/e2e/test_containers.py, which then finds it built."""

from __future__ import annotations

import json

import pytest

from tests.services.docker import BUILD_SECONDS, docker

pytestmark = [pytest.mark.long, pytest.mark.docker, pytest.mark.timeout(BUILD_SECONDS + 60)]


def test_make_image_builds_an_image_whose_programs_do_not_run_as_root(image: str) -> None:
    [found] = json.loads(docker("image", "inspect", image))
    assert found["Config"]["User"] not in ("", "0", "root")
