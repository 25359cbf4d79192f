"""What a worker hands in: a directory of pictures and the worker's own account of them.

The directory holds ``result.json`` and, for each frame of the task, what ``files_of`` names:
the picture; where frames are finished (denoised, composited) also the passes it was finished
from; and only those where the task is one region of a frame, which nobody can finish alone.
All have exactly the pixels of the task's region. Pixels alone decide a verdict: the account
is for people, and for finding a broken transfer early.
"""

from __future__ import annotations

from dataclasses import dataclass

from .canonical import MAX_INTEGER, Fields, dump, load
from .errors import EvidenceError
from .manifest import MAX_TASKS, RenderSettings, TaskSpec
from .paths import is_safe_path

VERSION = 3
RESULT_FILE = "result.json"
MAX_BYTES = 4 << 20
_SHA256 = r"[0-9a-f]{64}"


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One file of a result."""

    name: str
    size: int  # bytes
    sha256: str  # 64 hex digits, of the file's bytes
    frame: int
    seconds: float  # making it, by the worker's clock


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


def passes_file(frame: int) -> str:
    """The name of a frame's passes in a result: ``0042.exr``."""
    return f"{frame:04d}.exr"


def has_picture(settings: RenderSettings, task: TaskSpec) -> bool:
    """Whether the task's results hold finished pictures: not where a frame is finished from the
    passes of several tasks."""
    return not settings.has_passes or task.region == settings.full_frame


def files_of(settings: RenderSettings, task: TaskSpec, frame: int) -> tuple[str, ...]:
    """The names of one frame's files in a result, the one whose tiles are audited first."""
    if not settings.has_passes:
        return (frame_file(frame),)
    return (passes_file(frame), *((frame_file(frame),) if has_picture(settings, task) else ()))


def audited_file(settings: RenderSettings, frame: int) -> str:
    """The file in which sample tiles are compared: the passes, where there are any."""
    return passes_file(frame) if settings.has_passes else frame_file(frame)


def max_frame_bytes(settings: RenderSettings, task: TaskSpec) -> int:
    """The most that all files of one frame of this task can honestly take, in bytes."""
    passes = max_passes_bytes(settings, task) if settings.has_passes else 0
    return passes + (max_picture_bytes(settings, task) if has_picture(settings, task) else 0)


def max_picture_bytes(settings: RenderSettings, task: TaskSpec) -> int:
    """The most that one finished picture of this task can honestly take, in bytes.

    The raw pixels and their filter bytes stored without compression, an eighth for the
    stored blocks' headers, 64 KiB for chunks and metadata (PNG and zlib specifications).
    """
    row = task.region.width * settings.channels * settings.depth // 8 + 1
    return _with_framing(row * task.region.height)


def max_passes_bytes(settings: RenderSettings, task: TaskSpec) -> int:
    """The same for the passes of one frame: half floats, and 16 bytes a row that OpenEXR adds."""
    row = task.region.width * settings.pass_channels * 2 + 16
    return _with_framing(row * task.region.height)


def _with_framing(raw: int) -> int:
    return raw + raw // 8 + (64 << 10)


def rendering_bytes(settings: RenderSettings) -> int:
    """What one render of these settings takes on disk beside its result while it is made: where there
    are passes, every channel of the whole frame as a 32-bit float, none compressed."""
    return settings.full_frame.area * (settings.pass_channels + 8) * 4 if settings.has_passes else 0


def max_result_bytes(settings: RenderSettings, task: TaskSpec) -> int:
    """The most that a whole result may take: more is refused, the same by every verifier."""
    return len(task.frames) * (max_frame_bytes(settings, task) + 2048) + MAX_BYTES + (1 << 20)


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
        job_id=fields.integer("job_id", 1, MAX_INTEGER),
        task=fields.integer("task", 0, 2**32 - 1),
        attempt=fields.integer("attempt", 0, 2**32 - 1),
        blender_build=fields.text("blender_build"),
        device_class=fields.text("device_class"),
        device=fields.text("device"),
        sandbox=fields.text("sandbox"),
        files=tuple(_file(each) for each in fields.objects("files", least=1, most=2 * MAX_TASKS)),
    )
    fields.done()
    return result


def check_account(
    result: ResultManifest, job_id: int, task: int, attempt: int, settings: RenderSettings, spec: TaskSpec
) -> None:
    """Says nothing when the account is of this task and names exactly its frames' files.

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
    if named != [(frame, name) for frame in spec.frames for name in files_of(settings, spec, frame)]:
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
