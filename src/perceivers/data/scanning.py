"""All files below a folder: those that count, and a count of all that do not, so that nothing is left out without a word."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from perceivers.data.endings import beside_the_samples, ending_of, format_by_content
from perceivers.data.words import counted, listed
from perceivers.errors import DataError

# What systems make beside the files, in lower case; like what is hidden it is passed over.
SYSTEM_NAMES = frozenset(
    {"__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found"}
    | {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__pycache__"}
)
NO_ENDING, DEAD_LINK = "no ending", "dead link"


@dataclass(frozen=True)
class FoundFiles:
    """What lies below a folder.

    Args:
        root: the folder.
        files: those that count, relative to it, sorted.
        formats: the ending of each of them, by its name or its content.
        folders: all folders, relative to it.
        hidden: names of what was passed over because it is hidden or a system's, with how often each came.
        others: endings of other files, with the folder each lies in.
    """

    root: Path
    files: tuple[PurePath, ...]
    formats: Mapping[PurePath, str]
    folders: tuple[PurePath, ...] = ()
    hidden: Mapping[str, int] = field(default_factory=dict)
    others: tuple[tuple[PurePath, str], ...] = ()

    def of_one_kind(self, suffixes: Sequence[str]) -> FoundFiles:
        """These files without previews, textures and notes that could be read but lie beside the samples."""
        beside = beside_the_samples(list(self.formats.items()), suffixes)
        files = tuple(file for file in self.files if self.formats[file] not in beside)
        left_out = tuple(
            (file.parent, self.formats[file]) for file in self.files if self.formats[file] in beside
        )
        return replace(self, files=files, others=self.others + left_out)

    def notes(self) -> list[str]:
        """What was passed over and left out, in words."""
        found = []
        if self.hidden:
            count = sum(self.hidden.values())
            told = counted(count, "hidden or system file or folder", "hidden or system files and folders")
            found.append(f"`{self.root}`: passed over {told} ({listed(sorted(self.hidden))})")
        if self.others:
            endings = Counter(ending for _, ending in self.others)
            shares = [f"{count:,} {_with_ending(ending)}" for ending, count in endings.most_common()]
            files = counted(len(self.others), "file", "files")
            found.append(f"`{self.root}`: left out {files} of other formats ({listed(shares)})")
        return found

    def others_in(self, folder: PurePath) -> str:
        """Endings of the other files below a folder, as the end of a sentence; "" where there are none."""
        endings = Counter(ending for place, ending in self.others if place.is_relative_to(folder))
        told = [f"{count:,} {_with_ending(ending)}" for ending, count in endings.most_common()]
        return listed(told)


def scan(root: Path, suffixes: Sequence[str]) -> FoundFiles:
    """Find all files below a folder; nothing hidden or of a system is one.

    Args:
        root: the folder; links to folders are followed, once each.
        suffixes: endings, lower case with the dot, of the files that count. A file without an ending counts where its content
            is of one of these formats; a link to nothing, by its own ending.

    Raises:
        DataError: a folder cannot be listed.
    """
    formats: dict[PurePath, str] = {}
    folders: list[PurePath] = []
    others: list[tuple[PurePath, str]] = []
    hidden: Counter[str] = Counter()
    wanted, seen = frozenset(suffixes), {os.path.realpath(root)}
    waiting = [PurePath()]
    while waiting:
        place = waiting.pop()
        for entry in _entries(root / place):
            name, path = entry.name, place / entry.name
            if is_passed_over(name):
                # What macOS writes beside every file on other systems' disks.
                hidden["._*" if name.startswith("._") else name] += 1
            elif entry.is_dir():
                real = os.path.realpath(entry.path) if entry.is_symlink() else None
                if real is None or real not in seen:
                    seen.update(filter(None, [real]))
                    folders.append(path)
                    waiting.append(path)
            elif entry.is_file():
                ending = ending_of(name)
                form = ending or format_by_content(Path(entry.path))
                if form in wanted:
                    formats[path] = form
                else:
                    others.append((place, ending or NO_ENDING))
            elif entry.is_symlink():
                # Whoever reads it says that it leads to nothing.
                if (ending := ending_of(name)) in wanted:
                    formats[path] = ending
                else:
                    others.append((place, ending or DEAD_LINK))
    return FoundFiles(root, tuple(sorted(formats)), formats, tuple(sorted(folders)), hidden, tuple(others))


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden or a system's own."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"`{folder}` cannot be listed: {error.strerror or error}") from error


def _with_ending(ending: str) -> str:
    words = {NO_ENDING: "without an ending", DEAD_LINK: "linked to nothing"}
    return words.get(ending, f"with {ending}")
