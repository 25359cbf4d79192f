"""Jobs of the hash lane, where likeness decides and nobody loses a bond over it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tileproof.domain.job import Lane, TaskState
from tileproof.domain.manifest import EEVEE

from tests.e2e.stage import VERIFIERS, Stage
from tests.e2e.test_walk import manifest_of

pytestmark = [
    pytest.mark.long,
    pytest.mark.devnet,
    pytest.mark.kubo,
    pytest.mark.blender,
    pytest.mark.sandbox,
]


def test_a_frame_of_eevee_is_drawn_judged_and_paid(stage: Stage) -> None:
    stage.cast("worker-a", *VERIFIERS)
    job_id = stage.submit("eevee", "--frames", "3", "--samples", "1", "--lane", "hash")
    with stage.reader() as ledger:
        stage.wait_for_tasks(ledger, job_id, TaskState.PAID, seconds=600)
        assert ledger.job(job_id).terms.lane is Lane.HASH
    assert manifest_of(stage, job_id).settings.engine == EEVEE
    folder = stage.fetch(job_id, "drawn")
    assert len(np.unique(np.asarray(Image.open(folder / "0003.png")))) > 50
