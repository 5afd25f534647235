from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import errors

from perceivers.errors import CheckpointError, ConfigurationError


@pytest.fixture
def hub(monkeypatch):
    """A hub that writes down what it is asked and looks into the folder while it exists."""
    log = []

    class Api:
        def __init__(self, token=None):
            log.append(("token", token))

        def create_repo(self, repo_id, private=None, exist_ok=False):
            log.append(("create", repo_id, private, exist_ok))
            return SimpleNamespace(repo_id=f"owner/{repo_id}" if "/" not in repo_id else repo_id)

        def upload_folder(self, repo_id, folder_path, commit_message, revision, create_pr):
            folder = Path(folder_path)
            config = json.loads((folder / "config.json").read_text())
            names = sorted(path.name for path in folder.iterdir())
            log.append(
                ("upload", repo_id, names, config["architectures"], commit_message, revision, create_pr)
            )
            log.append(("folder", folder))
            return SimpleNamespace(commit_url="https://hub/commit", pr_url="https://hub/pull")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    return log


def test_a_whole_checkpoint_is_uploaded_and_the_temporary_folder_removed(task, hub):
    address = task.push_to_hub("someone/model", private=True, token="secret", revision="next")
    assert address == "https://hub/commit"
    assert hub[:3] == [
        ("token", "secret"),
        ("create", "someone/model", True, True),
        (
            "upload",
            "someone/model",
            ["config.json", "model.safetensors"],
            ["Task"],
            "Upload Task",
            "next",
            False,
        ),
    ]
    assert not hub[3][1].exists()


def test_a_name_without_owner_becomes_the_one_the_hub_gives(task, hub):
    address = task.push_to_hub("model", create_pr=True, commit_message="Better", max_shard_size=700)
    assert address == "https://hub/pull"
    assert hub[2][1] == "owner/model"
    assert "model.safetensors.index.json" in hub[2][2]
    assert hub[2][4:] == ("Better", None, True)


def test_saving_can_upload_too(task, hub, tmp_path):
    task.save_pretrained(tmp_path / "run", push_to_hub=True, private=True)
    assert hub[1] == ("create", "run", True, True)
    assert (tmp_path / "run" / "model.safetensors").exists()
    task.save_pretrained(tmp_path / "run", push_to_hub=True, repo_id="someone/model")
    assert ("create", "someone/model", None, True) in hub


def test_options_of_an_upload_that_does_not_happen_are_an_error(task, tmp_path):
    with pytest.raises(ConfigurationError, match="without `push_to_hub=True` nothing uses private, repo_id"):
        task.save_pretrained(tmp_path, repo_id="someone/model", private=True)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE is set"),
        (ConnectionError, "cannot push to 'someone/model'"),
    ],
)
def test_a_refused_upload_is_an_error(task, monkeypatch, kind, message):
    class Api:
        def __init__(self, token=None):
            pass

        def create_repo(self, *arguments, **options):
            raise kind("no")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    with pytest.raises(CheckpointError, match=message):
        task.push_to_hub("someone/model")
