"""Mapping files that change are noticed."""

import asyncio
import os
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.mapping.watch import fingerprint, watch


def test_files_that_come_go_and_change_make_a_difference(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    seen = [fingerprint([tmp_path])]
    for content, time_ns in (("a: 1", 1), ("a: 1", 2), ("a: 12", 2), (None, 0)):
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
            os.utime(file, ns=(time_ns, time_ns))
        seen.append(fingerprint([tmp_path, tmp_path / "absent.yaml"]))
    assert all(one != other for one, other in pairwise(seen))
    assert seen[0] == seen[-1] == {}


def test_a_change_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text("a: 1")
    changes = 0

    async def change() -> None:
        def changed() -> None:
            nonlocal changes
            changes += 1
            told.set()

        told = asyncio.Event()
        task = asyncio.create_task(watch([file], changed, every_s=0.001))
        await asyncio.sleep(0)
        file.write_text("a: 123")
        await asyncio.wait_for(told.wait(), 10)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), 0.05)
        task.cancel()

    asyncio.run(change())
    assert changes == 1
