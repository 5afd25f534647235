"""`perceivers generate` shows what a run writes, as its options say."""

from __future__ import annotations

import pytest

from perceivers.cli import main
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from tiny_writers import untrained


def test_it_prints_what_is_written_as_its_options_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = untrained(PerceiverTokenizer(), 262)
    monkeypatch.setattr("perceivers.predictor.load", lambda folder, device: run)
    printed = []
    for options in ([], ["--seed", "1"], ["--temperature", "0", "--max-new-tokens", "3"]):
        with pytest.raises(SystemExit) as ended:
            main(["generate", "run", "abc", *options])
        assert not ended.value.code
        printed.append(capsys.readouterr().out)
    assert len(set(printed)) == 3
    # Three bytes and the end of the line.
    assert 2 <= len(printed[2]) <= 4
    with pytest.raises(SystemExit):
        main(["generate", "run", "--top-p", "2"])
    assert "`top_p` must be in (0, 1], received 2.0" in capsys.readouterr().err
