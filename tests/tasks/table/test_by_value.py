"""Numbers of which each value says something of its own: found by a test of the rows, told to the model, overruled."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.several_labels import SeveralLabels
from perceivers.data.frames import table_of
from perceivers.errors import DataError
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.tasks.table.by_value import (
    MOST_CLASSES,
    NOTE,
    columns_by_value,
    first_of_each,
    says_by_value,
)
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import plan_table
from tiny_tables import few_costs, fit_tiny

# 23 shops in 391 rows, each with a level of its own that its number does not tell.
LEVELS = np.random.default_rng(1).normal(size=23)
SHOPS = np.arange(391) % 23
CHANCE = np.random.default_rng(2).normal(size=391)


def columns(target: np.ndarray) -> dict[str, list[float]]:
    return {"shop": SHOPS.tolist(), "size": CHANCE.round(3).tolist(), "sold": target.round(3).tolist()}


def test_levels_of_values_are_found_and_lines_and_steps_through_them_are_not() -> None:
    shops = SHOPS.astype(float)
    assert says_by_value(shops, (LEVELS[SHOPS] + 0.3 * CHANCE)[:, None], 5)
    assert not says_by_value(shops, CHANCE[:, None], 5)
    assert not says_by_value(shops, (0.5 * shops + CHANCE)[:, None], 5)
    assert not says_by_value(shops, (0.5 * shops)[:, None], 5), "without any chance left"
    # Where each value is the edge of a bin, there is nothing to add.
    assert not says_by_value(shops, (LEVELS[SHOPS] + 0.3 * CHANCE)[:, None], 22)


def test_means_that_alternate_are_found_until_chance_is_as_large() -> None:
    # Six values of two rows each: lines through two bins cannot follow the means 0, 9, 0, 9, 0, 9.
    values = np.array([0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0])
    level = np.array([0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 9.0, 9.0])
    little = level + np.tile([-0.1, 0.1], 6)
    much = level + np.tile([-9.0, 9.0], 6)
    assert says_by_value(values, little[:, None], 2)
    assert not says_by_value(values, much[:, None], 2)


def test_means_that_are_half_chance_are_not_told_however_many_rows_show_them() -> None:
    generator = np.random.default_rng(3)
    levels, rows = generator.normal(size=997), np.arange(19_940) % 997
    chance = generator.normal(size=len(rows))
    # 20 rows a value: F is 1 + 20 times the ratio of the variances, here about 1.5 and 2.5.
    weak, strong = (share * levels[rows] + chance for share in (0.025**0.5, 0.075**0.5))
    assert not says_by_value(rows.astype(float), weak[:, None], 5)
    assert says_by_value(rows.astype(float), strong[:, None], 5)


def test_ids_are_told_by_value_wherever_chance_is_ruled_out() -> None:
    generator = np.random.default_rng(3)
    levels, rows = generator.normal(size=1_999), np.arange(19_990) % 1_999
    chance = generator.normal(size=len(rows))
    ids, weak = rows.astype(float), (0.05**0.5 * levels[rows] + chance)[:, None]
    assert says_by_value(ids, weak, 5, are_ids=True)
    assert not says_by_value(ids, weak, 5)
    assert not says_by_value(ids, chance[:, None], 5, are_ids=True)
    names = ("film_id", "films", "uv_index")
    cells = {"stars": weak[:, 0].tolist(), **dict.fromkeys(names, rows.tolist())}
    kinds = dict.fromkeys(names, NumberKind(NumberOptions()))
    answer = Number("stars").settle(cells["stars"], "made")
    assert columns_by_value(kinds, [answer], cells.__getitem__, None, 5) == ("film_id",)


def test_missing_numbers_and_targets_and_values_that_come_once_do_not_matter() -> None:
    shops = SHOPS.astype(float)
    target = LEVELS[SHOPS] + 0.3 * CHANCE
    gaps, asked = shops.copy(), target.copy()
    gaps[::7], asked[::11] = np.nan, np.nan
    assert says_by_value(gaps, asked[:, None], 5)
    assert not says_by_value(np.arange(391.0), target[:, None], 5), "each value comes once"
    assert not says_by_value(np.full(391, np.nan), target[:, None], 5)


@pytest.mark.parametrize("kind", ["number", "class", "labels"])
def test_amounts_classes_and_labels_are_asked_alike(kind: str) -> None:
    own = LEVELS[SHOPS] + 0.1 * CHANCE
    cells = {
        "shop": [str(shop) for shop in SHOPS],
        "size": [f"{number:.3f}" for number in CHANCE],
        "number": [f"{number:.3f}" for number in own],
        "class": ["high" if number > 0 else "low" for number in own],
        "labels": ["high,seen" if number > 0 else "seen" for number in own],
    }
    table = table_of(cells, "made")
    answer = {"number": Number("number"), "class": OneClass("class"), "labels": SeveralLabels("labels")}[kind]
    settled = answer.settle(cells[kind], "made")
    numbers = dict.fromkeys(("shop", "size"), NumberKind(NumberOptions()))
    assert columns_by_value(numbers, [settled], cells.__getitem__, table, 5) == ("shop",)
    unreadable = {**cells, "shop": ["nowhere", *cells["shop"][1:]]}
    assert columns_by_value(numbers, [settled], unreadable.__getitem__, table, 5) == ("shop",)


def test_of_many_classes_the_most_frequent_are_looked_at() -> None:
    # A shop sells one thing; 97 more are sold once each.
    sold = [f"thing {shop}" for shop in SHOPS] + [f"rare {index}" for index in range(97)]
    cells = {"shop": [*SHOPS.tolist(), *range(97)], "sold": sold}
    answer = OneClass("sold").settle(sold, "made")
    numbers = {"shop": NumberKind(NumberOptions())}
    assert len(answer.names) > MOST_CLASSES
    assert columns_by_value(numbers, [answer], cells.__getitem__, table_of(cells, "made"), 5) == ("shop",)


def test_the_plan_says_which_columns_are_told_by_their_values_and_what_is_given_overrules_it() -> None:
    table = table_of(columns(LEVELS[SHOPS] + 0.1 * CHANCE), "made")

    def plan(**options: object) -> dict[str, str]:
        found = plan_table(table, TableArguments(target=("sold:number",), **options))  # type: ignore[arg-type]
        return {each.name: each.note for each in found.columns}

    assert NOTE in plan()["shop"]
    assert NOTE not in plan()["size"]
    assert NOTE not in plan(by_value=())["shop"]
    assert NOTE in plan(by_value=("size",))["size"]
    assert NOTE not in plan(size="usual")["shop"]
    with pytest.raises(
        DataError, match=r"`by_value` must name columns of numbers .* received 'sold'; it has shop, size"
    ):
        plan(by_value=("sold",))


def test_of_groups_that_parts_do_not_share_one_row_each_is_looked_at() -> None:
    assert first_of_each(["a", "b", "a", None, "b", None, 3]) == [0, 1, 3, 5, 6]
    # 53 owners of 7 rows each, with a level of their own; 37 ages say nothing but which few owners a row may be of.
    generator = np.random.default_rng(5)
    levels, ages = generator.normal(size=53), generator.integers(37, size=53)
    owners = np.arange(371) % 53
    table = table_of(
        {
            "owner": [f"owner {owner}" for owner in owners],
            "age": ages[owners].tolist(),
            "sold": (levels[owners] + 0.1 * CHANCE[:371]).round(3).tolist(),
        },
        "made",
    )
    arguments = TableArguments(target=("sold:number",))
    alone, grouped = (plan_table(table, arguments, group_column=group) for group in (None, "owner"))
    assert alone.arguments.by_value == ("age",)
    assert grouped.arguments.by_value == ()


def test_levels_of_shops_are_learned_and_an_unknown_shop_is_answered() -> None:
    rows = columns(LEVELS[SHOPS] + 0.1 * CHANCE)
    with few_costs():
        told, by_size = (
            fit_tiny(rows, "sold:number", by_value=names, linear_start=True, token_rate=1.0, epochs=2)
            for names in (("shop",), ())
        )
    assert told.results["validation"]["r2"] > 0.9 > by_size.results["validation"]["r2"]
    known, unknown, gap = told([{"shop": 3, "size": 0.0}, {"shop": 99, "size": 0.0}, {"size": 0.0}])
    assert known["sold"] == pytest.approx(LEVELS[3], abs=0.4)
    assert np.isfinite([unknown["sold"], gap["sold"]]).all()
    assert told([{"shop": "3.0", "size": 0.0}])[0]["sold"] == known["sold"], "however a number is written"
