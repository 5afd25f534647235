"""How the folders of a data set are meant: as parts above classes, parts below classes, classes, or a box around all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from perceivers.data.parts import named_parts, part_of, parts_with_affixes
from perceivers.data.scanning import FoundFiles
from perceivers.data.words import counted, listed
from perceivers.errors import DataError

LayoutChoice = Literal["auto", "parts", "classes"]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Layout:
    """Files by part.

    Args:
        files: relative path and class by part; the class is None where the file lies beside the class folders, or none are
            asked for.
        places: the folder of each part, relative.
        classes: names of the class folders of each part, those without files too.
        notes: how the folders were understood, where that is worth a word.
    """

    files: Mapping[str, Sequence[tuple[PurePath, str | None]]]
    places: Mapping[str, PurePath]
    classes: Mapping[str, Sequence[str]]
    notes: Sequence[str] = ()


def layout_of(found: FoundFiles, *, labelled: bool, choice: LayoutChoice = "auto") -> Layout:
    """Understand the folders.

    Args:
        found: all files and folders.
        labelled: whether sub-folders are classes.
        choice: "parts": folders that are called like parts are parts, and what lies beside them is left out; "classes": none
            is a part; "auto": as they look, and an error where they look like both.

    Raises:
        DataError: two readings are possible, or there is no training part.
    """
    return _Reading(found, labelled).chosen(choice)


@dataclass(frozen=True)
class _Reading:
    found: FoundFiles
    labelled: bool

    def chosen(self, choice: LayoutChoice) -> Layout:
        base, notes = self.unwrapped(PurePath())
        folders = self.folders_in(base)
        filled = {name: files for name, files in folders.items() if files}
        if choice == "classes":
            return self.divided(base, {"train": ""}, notes)
        named = self.parts_above(base, list(folders))
        others = [name for name in filled if name not in named.values()]
        if named and choice == "auto" and others and not self.look_like_parts(base, named, others):
            named = {}
        if named and choice == "auto" and others:
            self.refuse_two_readings(base, named, others)
        if "train" in named:
            return self.divided(base, named, [*notes, *self.left_out(base, named)])
        below = self.parts_below(base, filled) if self.labelled and not named else None
        if below is not None:
            return below
        if named or choice == "parts":
            raise DataError(
                f"`data` must hold a folder `train` beside {listed(folders)}, received {str(self.found.root / base)!r} "
                "without" + ("" if choice == "parts" else "; if these folders are classes: --folders classes")
            )
        return self.divided(base, {"train": ""}, [*notes, *self.alike(base, filled)])

    def folders_in(self, place: PurePath) -> dict[str, list[PurePath]]:
        """Folders in a folder, sorted, with the files at any depth below each."""
        depth = len(place.parts)
        members: dict[str, list[PurePath]] = {
            folder.name: [] for folder in self.found.folders if folder.parent == place
        }
        for file in self.found.files:
            if len(file.parts) > depth + 1 and file.parts[:depth] == place.parts:
                members[file.parts[depth]].append(file)
        return members

    def classes_in(self, place: PurePath) -> set[str]:
        """Names of the folders in a folder."""
        return {folder.name for folder in self.found.folders if folder.parent == place}

    def unwrapped(self, place: PurePath) -> tuple[PurePath, list[str]]:
        """The folder that holds the data: one that is alone in a folder without files, at any depth, as archives make it."""
        start = place
        while True:
            folders = self.folders_in(place)
            if len(folders) != 1 or any(file.parent == place for file in self.found.files):
                break
            ((name, files),) = folders.items()
            is_box = any(len(file.parts) > len(place.parts) + 2 for file in files)
            if part_of(name) == "train" or not is_box or not (self.labelled or self.has_parts(place / name)):
                break
            place = place / name
        notes = (
            [f"`{self.found.root / start}`: the data are taken from its folder {place.relative_to(start)}"]
            if place != start
            else []
        )
        return place, notes

    def has_parts(self, place: PurePath) -> bool:
        """Whether a folder has a folder that is called like the training part."""
        return any(part_of(name) == "train" for name in self.classes_in(place))

    def parts_above(self, base: PurePath, names: Sequence[str]) -> dict[str, str]:
        """Folders that are called like parts, or as train_images and test_images are, by part."""
        named = named_parts(names, str(self.found.root / base))
        if named:
            return {part: named[part] for part in PARTS if part in named}
        affixed = parts_with_affixes(names)
        if "train" not in affixed or len(affixed) < 2:
            return {}
        if self.labelled:
            classes = [self.classes_in(base / name) for name in affixed.values()]
            return affixed if set.intersection(*classes) else {}
        return affixed

    def look_like_parts(self, base: PurePath, named: Mapping[str, str], others: Sequence[str]) -> bool:
        """Whether folders that are called like parts are ones although there are others, and not classes called so."""
        if not self.labelled:
            # A tree of texts may well have a folder `test`; with `train` beside it, it is a division.
            return len(named) > 1 and "train" in named
        classes = [self.classes_in(base / name) for name in named.values()]
        is_division = len(classes) > 1 and bool(set.intersection(*classes))
        beside = set().union(*(self.classes_in(base / name) for name in others))
        return is_division or bool(set().union(*classes) & beside)

    def refuse_two_readings(self, base: PurePath, named: Mapping[str, str], others: Sequence[str]) -> None:
        """Raise DataError that shows both readings and the option that chooses."""
        parts = ", ".join(named.values())
        if self.labelled:
            classes = set().union(*(self.classes_in(base / name) for name in named.values()))
            first = (
                f"the parts {parts} of the classes {listed(sorted(classes))}, with {listed(others)} left out"
            )
            second = f"the classes {listed(sorted([*named.values(), *others]))}"
        else:
            first = f"the parts {parts}, with {listed(others)} left out"
            second = "one set of all files"
        raise DataError(
            f"`{self.found.root / base}` can be read in two ways: as {first} (--folders parts), or as {second} "
            "(--folders classes); choose one, or name the folders with `data`, `validation_data` and `test_data`"
        )

    def left_out(self, base: PurePath, named: Mapping[str, str]) -> list[str]:
        """What is said of the folders beside the parts."""
        where, notes = self.found.root / base, []
        beside = {name: files for name, files in self.folders_in(base).items() if name not in named.values()}
        if empty := [name for name, files in beside.items() if not files]:
            notes.append(f"`{where}`: {listed(empty)} passed over, without files of the kind asked for")
        if filled := [name for name, files in beside.items() if files]:
            notes.append(f"`{where}`: {listed(filled)} left out, as asked for")
        return notes

    def parts_below(self, base: PurePath, filled: Mapping[str, Sequence[PurePath]]) -> Layout | None:
        """Parts below the classes, as ModelNet has them; None where they are not so.

        Raises:
            DataError: some classes are divided so, and others are not.
        """
        depth = len(base.parts)
        files: dict[str, list[tuple[PurePath, str | None]]] = {}
        undivided: dict[str, PurePath] = {}
        for label, members in filled.items():
            for file in members:
                inner = file.parts[depth + 1] if len(file.parts) > depth + 2 else ""
                if (part := part_of(inner)) is None:
                    undivided.setdefault(label, file)
                else:
                    files.setdefault(part, []).append((file, label))
        if len(files) < 2 or "train" not in files:
            return None
        if undivided:
            label, file = next(iter(undivided.items()))
            raise DataError(
                f"`{self.found.root / base}` can be read in two ways: some classes hold folders of the parts "
                f"{listed(files)}, but {label} holds {file} beside them; move what does not belong to the data, or take all "
                "files of a class as one (--folders classes)"
            )
        files = {part: files[part] for part in PARTS if part in files}
        classes = {part: sorted({label for _, label in own if label}) for part, own in files.items()}
        note = f"`{self.found.root / base}`: the parts {listed(files)} are folders in those of the classes"
        return Layout(files, dict.fromkeys(files, base), classes, [note])

    def alike(self, base: PurePath, filled: Mapping[str, Sequence[PurePath]]) -> list[str]:
        """What is said of classes that all hold folders of the same names: they may be folds, and these the classes."""
        inner = [self.classes_in(base / name) for name in filled]
        if (
            not self.labelled
            or len(inner) < 2
            or len(inner[0]) < 2
            or any(each != inner[0] for each in inner)
        ):
            return []
        return [
            f"`{self.found.root / base}`: the classes are {listed(sorted(filled))}; each of these folders holds "
            f"{listed(sorted(inner[0]))}: if those are the classes, name the folders with `data`, `validation_data` and "
            "`test_data`"
        ]

    def divided(self, base: PurePath, named: Mapping[str, str], notes: Sequence[str]) -> Layout:
        """Files by part, each with its class."""
        files, places, classes, told = {}, {}, {}, list(notes)
        for part, name in named.items():
            place = base / name
            if name and self.labelled:
                place, more = self.unwrapped(place)
                told += more
            depth = len(place.parts)
            inside = [file for file in self.found.files if file.parts[:depth] == place.parts]
            files[part] = [
                (file, file.parts[depth] if self.labelled and len(file.parts) > depth + 1 else None)
                for file in inside
            ]
            places[part], classes[part] = place, sorted(self.classes_in(place))
            beside = [file for file, label in files[part] if label is None] if self.labelled else []
            if beside and len(beside) < len(inside):
                files_beside = counted(
                    len(beside), "file beside the class folders is", "files beside the class folders are"
                )
                told.append(f"`{self.found.root / place}`: {files_beside} left out, such as {beside[0].name}")
        return Layout(files, places, classes, told)
