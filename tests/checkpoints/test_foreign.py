from __future__ import annotations

import pytest

from perceivers.checkpoints.foreign import (
    HARMLESS,
    REFUSED,
    require_safe_unpickling,
    without_foreign,
)
from perceivers.errors import ConfigurationError


def test_what_is_harmless_or_says_nothing_is_passed_over_and_the_rest_stays():
    given = dict.fromkeys(HARMLESS, True) | dict.fromkeys(REFUSED) | {"num_labels": 3, "adapter_kwargs": {}}
    assert without_foreign(given) == {"num_labels": 3}
    assert without_foreign({"trust_remote_code": False}) == {}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_not_done_is_refused_by_name_with_its_value_and_the_reason(name):
    with pytest.raises(ConfigurationError) as caught:
        without_foreign({"num_labels": 3, name: "yes"})
    assert str(caught.value) == f"`{name}` must be left out, received 'yes': {REFUSED[name]}"


def test_no_name_is_both():
    assert not set(HARMLESS) & REFUSED.keys()


@pytest.mark.parametrize("safe", [True, None])
def test_only_tensors_are_unpickled(safe):
    require_safe_unpickling(safe)
    with pytest.raises(ConfigurationError, match="`weights_only` must be True"):
        require_safe_unpickling(False)
