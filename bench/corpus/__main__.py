"""300 odd picture files (`make corpus`): each is read as its clean copy, or refused in one clear sentence."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

import httpx
import numpy as np

from bench.corpus import jpeg_files, other_files, png_files
from bench.corpus.judging import Kind, read, request, wrong_answer, wrong_reading
from bench.corpus.odd_file import OddFile, clean, encoded
from bench.fuzz import MOST_GROWTH, PROCESSES, growth, row
from bench.report import Report, Row, Target
from tests.server import Server, serving
from tests.untrained import untrained_pack

FILES, BLOCK = 300, 100
KINDS: tuple[Kind, ...] = (
    *(png_files.modes, png_files.chunks, png_files.cut),
    *(jpeg_files.modes, jpeg_files.segments, jpeg_files.two_pictures, jpeg_files.cut, jpeg_files.scratched),
    *(other_files.webp, other_files.heic, other_files.profiles, other_files.no_pictures),
)


def main() -> int:
    report = Report(
        name="corpus",
        title="Odd picture files",
        how=f"{FILES} generated files (`bench/corpus`, seeds 0 to {FILES - 1}): formats, modes, profiles, EXIF, "
        "chunks, cuts. Read: compared with the clean copy before any engine sees it; geometry exact, lossless "
        "within 1 level anywhere, lossy within 4 in the mean. Answered: sent as person or garment; a result has the "
        "photo's pixels where nothing was painted, a refusal is a small problem that names the field, none is a 5xx. "
        f"Memory: of each process after a pause, before the first file and after each {BLOCK}; all were sent once.",
    )
    files = corpus(FILES)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), 3000, MODEL_DIR=untrained_pack(), ENGINES="", LATENT_CACHE_BYTES=0) as server,
    ):
        answer_all(server, files)  # every size is met once: each costs a worker some memory
        memory: list[Row] = [row(server, 0, 0)]
        wrong: dict[int, list[str]] = {}
        statuses: list[int] = []
        for start in range(0, FILES, BLOCK):
            for number, (status, complaint) in enumerate(answer_all(server, files[start : start + BLOCK]), start):
                statuses.append(status)
                wrong[number] = [complaint] if complaint else []
            memory.append(row(server, start + BLOCK, sum(map(len, wrong.values()))))
        for number, odd in enumerate(files):
            if complaint := wrong_reading(odd, read(odd, Path(folder))):
                wrong[number].append(f"read: {complaint}")
    for number, complaints in wrong.items():
        for complaint in complaints:
            print(f"{number}: {files[number].name}: {complaint}")
    report.rows = [row_of(kind, statuses, wrong) for kind in KINDS]
    report.more = {"Memory": memory}
    report.targets = [
        Target("complaints", sum(map(len, wrong.values())), 0, ""),
        Target("answers of 5xx", sum(status >= 500 for status in statuses), 0, ""),
        *(
            Target(f"growth of the {name} over {FILES} files", growth(memory, name), MOST_GROWTH, "%")
            for name in PROCESSES
        ),
    ]
    report.publish()
    return int(any(wrong.values()))


def corpus(count: int) -> list[OddFile]:
    """So many files, each kind in turn."""
    return [kind(np.random.default_rng(seed)) for seed, kind in enumerate(islice(cycle(KINDS), count))]


def answer_all(server: Server, files: Sequence[OddFile]) -> list[tuple[int, str | None]]:
    """Of each file the answer's status, and what is wrong with it."""
    rng = np.random.default_rng(FILES)
    person, garment = (encoded(clean(rng).resize((64, 64)), "PNG") for _ in range(2))
    answers = []
    with httpx.Client(base_url=server.url, timeout=600) as client:
        for number, odd in enumerate(files):
            as_person = number // len(KINDS) % 3 > 0
            response = client.post("/invocations", json=request(odd, person, garment, as_person=as_person))
            answers.append((response.status_code, wrong_answer(odd, response, as_person=as_person)))
    return answers


def row_of(kind: Kind, statuses: Sequence[int], wrong: Mapping[int, Sequence[str]]) -> Row:
    mine = range(KINDS.index(kind), len(statuses), len(KINDS))
    dressed = sum(statuses[number] == httpx.codes.OK for number in mine)
    return {
        "kind": f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}",
        "files": len(mine),
        "dressed": dressed,
        "refused": len(mine) - dressed,
        "complaints": sum(len(wrong[number]) for number in mine),
    }


if __name__ == "__main__":
    raise SystemExit(main())
