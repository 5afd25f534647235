"""The skirmish: one tick by hand, both ends alike, what fog hides, what the expert does, the interval, a whole small run."""

from __future__ import annotations

from pathlib import Path

import film
import pytest
import skirmish
import torch
from battle import ATTACK, HOLD, MOST_TICKS, Battles, Orders
from networks import as_entities, build, count_flops
from PIL import Image
from scripted import focused, nearest

ARCHER, GUARD, SNIPER = 0, 1, 2


def battle(own: list[tuple[float, ...]], enemy: list[tuple[float, ...]]) -> Battles:
    """One battle of units (x, y, type, health)."""
    units = torch.tensor([[own, enemy]], dtype=torch.float32)
    return Battles(
        units[..., :2].clone(), units[..., 3].clone(), torch.zeros(1, 2, len(own)), units[..., 2].long()
    )


def orders(*given: tuple[int, int]) -> Orders:
    numbers = torch.tensor([given])
    return Orders(numbers[..., 0], numbers[..., 1])


def test_a_tick_moves_and_strikes_at_the_same_time() -> None:
    # The archer reaches 5 and strikes with 6; the guard reaches 1.2 and goes 0.9 towards it.
    fight = battle([(0, 0, ARCHER, 40), (0, 3, ARCHER, 0)], [(4, 0, GUARD, 90), (0, 3, SNIPER, 5)])
    fight.step((orders((ATTACK, 0), (ATTACK, 1)), orders((ATTACK, 0), (ATTACK, 0))))
    # Dead units strike nobody; the sniper strikes with 18.
    assert fight.health.tolist() == [[[22.0, 0.0], [84.0, 5.0]]]
    torch.testing.assert_close(fight.place[0, 1, 0], torch.tensor([3.1, 0.0]))
    assert fight.cooldown.tolist() == [[[3.0, 0.0], [0.0, 6.0]]]
    # A weapon that is not ready waits; moves are by the side's own direction: both go ahead, towards each other.
    fight.step((orders((0, 0), (HOLD, 0)), orders((0, 0), (ATTACK, 0))))
    assert fight.health[0, 0, 0] == 22.0
    torch.testing.assert_close(fight.place[0, :, 0, 0], torch.tensor([0.7, 3.1 - 0.9]))
    assert fight.cooldown[0].tolist() == [[2.0, 0.0], [0.0, 5.0]]


def test_fog_hides_who_is_far_from_all_and_an_order_against_them_does_nothing() -> None:
    fight = battle([(-10, 0, SNIPER, 30), (-9, 0, SNIPER, 30)], [(-0.5, 0, SNIPER, 30), (5, 0, SNIPER, 30)])
    assert fight.view(0).mask.tolist() == [[True, True, True, False]]
    before = fight.place.clone()
    fight.step((orders((ATTACK, 1), (ATTACK, 1)), orders((HOLD, 0), (HOLD, 0))))
    assert torch.equal(fight.place, before)
    entities = as_entities(fight.view(0))
    assert (entities[0, 3] == 0).all()
    # The sniper is the third type, and the enemy the second side; ids begin at 2.
    assert entities[0, 2, :2].tolist() == [4.0, 3.0]


def test_both_ends_are_alike() -> None:
    first = Battles.start(7, 3, 5, torch.Generator().manual_seed(0))
    mirror = torch.tensor([-1.0, 1.0])
    second = Battles(
        first.place.flip(1) * mirror, first.health.flip(1), first.cooldown.flip(1), first.kind.flip(1)
    )
    for _ in range(12):
        first.step((focused(first.view(0)), nearest(first.view(1))))
        second.step((nearest(second.view(0)), focused(second.view(1))))
    torch.testing.assert_close(first.place, second.place.flip(1) * mirror)
    assert torch.equal(first.health, second.health.flip(1))
    assert (first.health.sum(dim=2) < 40.0 * 5 * 3).any()


def test_the_expert_strikes_at_one_and_wastes_no_blow() -> None:
    # Both archers reach both enemies. The weaker sniper is worth more; its 6 of health need one blow, so that the farther
    # archer takes the other one.
    fight = battle([(0, 0, ARCHER, 40), (0, 1, ARCHER, 40)], [(3, 0, SNIPER, 6), (3, -1, SNIPER, 30)])
    said = focused(fight.view(0))
    assert said.action.tolist() == [[ATTACK, ATTACK]]
    assert said.target.tolist() == [[0, 1]]
    assert nearest(fight.view(0)).target.tolist() == [[0, 0]]
    fight.health[0, 1, 0] = 12.0
    assert focused(fight.view(0)).target.tolist() == [[0, 0]]


def test_the_expert_beats_the_opponent_from_both_ends() -> None:
    for side in (0, 1):
        fight = Battles.start(24, 12, 16, torch.Generator().manual_seed(side))
        players = (focused, nearest) if side == 0 else (nearest, focused)
        for _ in range(MOST_TICKS):
            fight.step((players[0](fight.view(0)), players[1](fight.view(1))))
            if bool(fight.winners()[1].all()):
                break
        assert int(fight.winners()[0][:, side].sum()) >= 19


def test_the_networks_answer_for_each_unit_and_the_perceiver_costs_less_for_many() -> None:
    view = Battles.start(3, 2, 5, torch.Generator().manual_seed(0)).view(0)
    for name in ("perceiver", "transformer"):
        said = build(name, 8).eval().player()(view)
        assert said.action.shape == said.target.shape == (3, 5)
    # At the paper's size it has 0.93 and 3.3 GFLOPs; here the pointer and the map of the waves come on top.
    costs = {name: count_flops(name, 256, 512) / 1e9 for name in ("perceiver", "transformer")}
    assert costs == {"perceiver": pytest.approx(0.93, rel=0.3), "transformer": pytest.approx(3.3, rel=0.05)}


def test_the_interval_is_wilsons() -> None:
    # Brown, Cai and DasGupta 2001: 0 of 10 and 5 of 10.
    assert skirmish.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert skirmish.wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert skirmish.wilson(10, 10)[1] == pytest.approx(1.0)


def test_a_small_run_prints_its_table_and_writes_a_film(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Networks of three steps fight to no end; what answers cost at the paper's size is looked at above.
    for script in (skirmish, film):
        monkeypatch.setattr(script, "MOST_TICKS", 40)
    monkeypatch.setattr(skirmish, "PAPER", 32)
    monkeypatch.setattr(skirmish, "PAPER_CHANNELS", 32)
    skirmish.main(["--small", "--output", str(tmp_path / "out")])
    lines = capsys.readouterr().out.splitlines()
    table = [line.split(" | ") for line in lines if line.startswith("| ")]
    assert [row[0][2:] for row in table] == [
        "player", "expert", "perceiver", "transformer", "the opponent itself", "anything",
    ]  # fmt: skip
    assert {len(row) for row in table} == {len(table[0])}
    assert all(0.0 <= float(row[1]) <= 1.0 for row in table[1:])
    with Image.open(tmp_path / "out" / "battle.gif") as shown:
        assert shown.n_frames > 2
    assert (tmp_path / "out" / "transformer.pt").is_file()
    # Networks that were trained on few units play battles of more.
    more = [
        "--channels",
        "16",
        "--fewest",
        "7",
        "--most",
        "9",
        "--battles",
        "2",
        "--output",
        str(tmp_path / "more"),
    ]
    skirmish.main(["--weights", str(tmp_path / "out"), *more])
    lines = capsys.readouterr().out.splitlines()
    assert not any(line.strip().startswith("step") for line in lines)
    assert "2 battles, 7 to 9 units a side" in lines
