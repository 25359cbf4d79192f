"""Jobs whose frames are denoised or composited, from submit to picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.domain.job import TaskState
from tileproof.ports import ledger as port

from tests.e2e.stage import VERIFIERS, Stage
from tests.e2e.test_walk import manifest_of, plain_render

pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]


def test_a_composited_still_split_over_workers_is_finished_once_and_equals_one_render(
    stage: Stage, renderer: BlenderRenderer, tmp_path: Path
) -> None:
    stage.cast("worker-a", "worker-b", *VERIFIERS)
    job_id = stage.submit("replayable_nodes", "--frames", "3", "--split", "2x1")
    with stage.reader() as ledger:
        stage.wait_for_tasks(ledger, job_id, seconds=300)
        claims = [e for e in ledger.events(job_id=job_id).events if isinstance(e, port.TaskClaimed)]
        assert len(claims) == 2
    folder = stage.fetch(job_id, "finished")
    manifest = manifest_of(stage, job_id)
    assert manifest.settings.denoise
    assert manifest.settings.composite
    blend = stage.scenes("replayable_nodes")
    expected = plain_render(renderer, blend, manifest, 3, tmp_path / "whole")
    assert np.array_equal(np.asarray(Image.open(folder / "0003.png")), expected)


@pytest.mark.long
def test_who_retouches_the_picture_of_honest_passes_is_slashed(stage: Stage) -> None:
    stage.cast(*VERIFIERS)
    stage.start_dressed("worker-b", entry="other_gamma")
    with stage.reader() as ledger:
        job_id = stage.submit("denoising", "--frames", "1")
        stage.wait_for_log("worker-b", f"hop=12 settled job={job_id} task=0 outcome=rejected", job_id)
        assert ledger.task(job_id, 0).failures == 1
        stage.start("worker-a")
        stage.wait_for_tasks(ledger, job_id, TaskState.PAID)
