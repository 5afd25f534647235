"""Lines of several processes, in a file that goes with the object."""

from __future__ import annotations

import gc
import os
import pickle

from perceivers.data.shared_lines import SharedLines


def test_a_copy_in_another_process_notes_in_the_same_place() -> None:
    lines = SharedLines()
    lines.add("one\nof two lines, é")
    copy = pickle.loads(pickle.dumps(lines))
    child = os.fork()
    if not child:
        copy.add("from a child")
        os._exit(0)
    os.waitpid(child, 0)
    assert lines.read() == ["one\nof two lines, é", "from a child"]


def test_the_file_goes_with_the_object_that_was_made_first() -> None:
    lines = SharedLines()
    path = lines._path
    copy = pickle.loads(pickle.dumps(lines))
    del copy
    gc.collect()
    assert os.path.exists(path)
    del lines
    gc.collect()
    assert not os.path.exists(path)
