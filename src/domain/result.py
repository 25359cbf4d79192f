"""What a worker hands in: a directory of pictures and the worker's own account of them.

The directory holds one picture per frame of the task, named by ``frame_file``, with exactly
the pixels of the task's region, and ``result.json``. Pixels alone decide a verdict: the
account is for people, and for finding a broken transfer early.
"""

from __future__ import annotations

from dataclasses import dataclass

from .canonical import Fields, dump, load
from .errors import EvidenceError
from .manifest import MAX_TASKS, RenderSettings, TaskSpec
from .paths import is_safe_path

VERSION = 1
RESULT_FILE = "result.json"
MAX_BYTES = 4 << 20
_SHA256 = r"[0-9a-f]{64}"


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One picture of a result."""

    name: str
    size: int  # bytes
    sha256: str  # 64 hex digits, of the file's bytes
    frame: int
    seconds: float  # rendering, by the worker's clock


@dataclass(frozen=True, slots=True)
class ResultManifest:
    """The content of ``result.json``; everything in it is the worker's word."""

    version: int
    job_id: int
    task: int
    attempt: int
    blender_build: str
    device_class: str
    device: str
    sandbox: str
    files: tuple[ResultFile, ...]


def frame_file(frame: int) -> str:
    """The picture's name in a result: ``0042.png``."""
    return f"{frame:04d}.png"


def max_frame_bytes(settings: RenderSettings, task: TaskSpec) -> int:
    """The most that one picture of this task can honestly take, in bytes.

    The raw pixels and their filter bytes stored without compression, an eighth for the
    stored blocks' headers, 64 KiB for chunks and metadata (PNG and zlib specifications).
    """
    row = task.region.width * settings.channels * settings.depth // 8 + 1
    raw = row * task.region.height
    return raw + raw // 8 + (64 << 10)


def max_result_bytes(settings: RenderSettings, task: TaskSpec) -> int:
    """The most that a whole result may take: more is refused, the same by every verifier."""
    return len(task.frames) * (max_frame_bytes(settings, task) + 1024) + MAX_BYTES + (1 << 20)


def encode(result: ResultManifest) -> bytes:
    """The bytes of ``result.json``. Raises EvidenceError as ``decode``."""
    data = dump(
        {
            "version": result.version,
            "job_id": result.job_id,
            "task": result.task,
            "attempt": result.attempt,
            "blender_build": result.blender_build,
            "device_class": result.device_class,
            "device": result.device,
            "sandbox": result.sandbox,
            "files": [{name: getattr(f, name) for name in ResultFile.__slots__} for f in result.files],
        }
    )
    if decode(data) != result:
        raise ValueError("the result does not survive its own encoding")
    return data


def decode(data: bytes) -> ResultManifest:
    """The worker's account, strictly typed and within caps; nothing in it is checked for truth.

    Raises:
        EvidenceError: ``result.too_large``, ``result.malformed`` (says which field).
    """
    fields = load(data, kind="result", max_bytes=MAX_BYTES)
    result = ResultManifest(
        version=fields.integer("version", VERSION, VERSION),
        job_id=fields.integer("job_id", 1, 2**64 - 1),
        task=fields.integer("task", 0, 2**32 - 1),
        attempt=fields.integer("attempt", 0, 2**32 - 1),
        blender_build=fields.text("blender_build"),
        device_class=fields.text("device_class"),
        device=fields.text("device"),
        sandbox=fields.text("sandbox"),
        files=tuple(_file(each) for each in fields.objects("files", least=1, most=MAX_TASKS)),
    )
    fields.done()
    return result


def check_account(result: ResultManifest, job_id: int, task: int, attempt: int, spec: TaskSpec) -> None:
    """Says nothing when the account is of this task and names exactly its frames.

    Raises EvidenceError ``result.other_task`` or ``result.frames``.
    """
    if (result.job_id, result.task, result.attempt) != (job_id, task, attempt):
        raise EvidenceError(
            "result.other_task",
            f"{RESULT_FILE} speaks of job {result.job_id}, task {result.task}, attempt {result.attempt}",
            job=job_id,
            task=task,
            attempt=attempt,
        )
    named = [(file.frame, file.name) for file in result.files]
    if named != [(frame, frame_file(frame)) for frame in spec.frames]:
        raise EvidenceError(
            "result.frames", f"{RESULT_FILE} does not name the task's frames, in order", task=task
        )


def _file(fields: Fields) -> ResultFile:
    file = ResultFile(
        name=fields.text("name"),
        size=fields.integer("size", 0, 1 << 40),
        sha256=fields.text("sha256", like=_SHA256),
        frame=fields.integer("frame", 0, 2**31 - 1),
        seconds=fields.number("seconds", 0.0, 1e9),
    )
    if not is_safe_path(file.name) or "/" in file.name:
        raise fields.fail("name", "is not a file's name")
    fields.done()
    return file
