"""What each address answers: the page and its parts for people, JSON for programs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from perceivers.app.elsewhere import as_curl, as_python
from perceivers.app.openapi import openapi_of
from perceivers.app.pieces import as_events
from perceivers.app.questions import FROM_EXAMPLE, read_form, read_question
from perceivers.app.refusals import RefusedError, as_sentence, unreadable
from perceivers.app.rendering import STATIC, Pages, typed_cells
from perceivers.app.served import ServedRun
from perceivers.app.views import card_of, looked_at, shown_answers, true_picture
from perceivers.errors import DataError
from perceivers.tasks.asking.base import Example, Own
from perceivers.tasks.base import Prediction

# Pictures of a card.
MOST_PICTURES = 2


def routes_of(served: ServedRun, pages: Pages) -> list[BaseRoute]:
    """All addresses of a run."""
    page, programs = PageRoutes(served, pages), JsonRoutes(served)
    return [
        Route("/", page.whole),
        Route("/ask", page.ask, methods=["POST"]),
        Route("/ask/pieces", page.pieces, methods=["POST"]),
        Route("/examples", page.examples),
        Route("/examples/{index:int}", page.example),
        Route("/examples/{index:int}/{place:int}", page.media),
        Route("/api/predict", programs.predict, methods=["POST"]),
        Route("/api/pieces", programs.pieces, methods=["POST"]),
        Route("/api/run", programs.run),
        Route("/api/openapi.json", programs.openapi),
        Route("/health", programs.health),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


@dataclass(frozen=True)
class JsonRoutes:
    """For programs.

    Args:
        served: the run.
    """

    served: ServedRun

    async def predict(self, request: Request) -> Response:
        """Answer for one row or several; of several, one that cannot be answered has its `error` in its place."""
        served = self.served
        question = await read_question(request, served.fields, served.limits)
        await served.require_small(question.rows)
        began = time.perf_counter()
        answers = await served.batcher.ask(question.rows, shows=False)
        seconds = time.perf_counter() - began
        if all(isinstance(each, DataError) for each in answers):
            raise unreadable(next(each for each in answers if isinstance(each, DataError)))
        said = [
            {"error": as_sentence(each)} if isinstance(each, DataError) else plain(each.values)
            for each in answers
        ]
        return JSONResponse({"answers": said, "seconds": round(seconds, 6), "device": served.device})

    async def pieces(self, request: Request) -> Response:
        """Answer for one row piece by piece, as server-sent events; of runs that write."""
        served = self.served
        question = await read_question(request, served.fields, served.limits)
        if len(question.rows) > 1:
            raise RefusedError(422, "Pieces are those of one row. Ask for one at a time.")
        return await as_events(served.pieces(question.rows[0]), lambda found: plain(found.values))

    async def run(self, request: Request) -> Response:
        """What the run is, takes and answers."""
        return JSONResponse(plain(self.served.described()))

    async def openapi(self, request: Request) -> Response:
        """The description of these addresses."""
        return JSONResponse(openapi_of(self.served, version("perceivers")))

    async def health(self, request: Request) -> Response:
        """Whether the server works, and how much it has to do."""
        queue = self.served.batcher
        return JSONResponse(
            {
                "status": "ok",
                "waiting": queue.num_waiting,
                "answered": queue.num_answered,
                "batches": queue.num_batches,
            }
        )


@dataclass(frozen=True)
class PageRoutes:
    """For people. A request of htmx is answered with a part of the page, every other with the whole.

    Args:
        served: the run.
        pages: its templates.
    """

    served: ServedRun
    pages: Pages

    async def whole(self, request: Request) -> Response:
        """The page with an empty form."""
        return HTMLResponse(self.pages.page())

    async def ask(self, request: Request) -> Response:
        """Answer what stands in the form."""
        form = await read_form(request, self.served.limits)
        cells, example, index = await self._cells(form)
        await self.served.require_small([cells])
        example = example if self._is_unchanged(cells, example) else None
        answer = await self._answer(request, cells, example)
        if _of_htmx(request):
            return HTMLResponse(self.pages.part("answer", answer=answer))
        filled = typed_cells(cells, self.served)
        return HTMLResponse(self.pages.page(cells=filled, example=example, index=index, answer=answer))

    async def examples(self, request: Request) -> Response:
        """The list of examples, with what the model says of each; it waits until the data are open."""
        served = self.served
        found = await served.examples.opened()
        answers: list[Any] = []
        if found and served.asking.is_quick:
            answers = list(await served.batcher.ask([each.cells for each in found], shows=False))
        cards = []
        for index, example in enumerate(found):
            each = answers[index] if answers else None
            told = (
                []
                if each is None or isinstance(each, DataError)
                else shown_answers(served.asking.said(each), example.truth)
            )
            cards.append({**card_of(example, told), "index": index, **self._preview(index, example)})
        html = self.pages.part("examples", cards=cards, problem=served.examples.problem)
        return HTMLResponse(html)

    async def example(self, request: Request) -> Response:
        """The form filled with an example, and the answer to it beside the truth."""
        index = int(request.path_params["index"])
        example = await self.served.example(index)
        answer = await self._answer(request, dict(example.cells), example)
        values = {
            "cells": typed_cells(example.cells, self.served),
            "example": example,
            "index": index,
            "answer": answer,
        }
        if _of_htmx(request):
            return HTMLResponse(self.pages.part("question_and_answer", **values))
        return HTMLResponse(self.pages.page(**values))

    async def media(self, request: Request) -> Response:
        """A file of an example, as a browser shows it."""
        index, place = request.path_params["index"], request.path_params["place"]
        example = await self.served.example(index)
        fields = self.served.fields
        cell = example.cells.get(fields[place].column) if place < len(fields) else None
        media = (
            None
            if cell is None
            else await run_in_threadpool(self.served.asking.media, fields[place].column, cell)
        )
        if media is None:
            raise RefusedError(404, "There is no such file.")
        return Response(media.content, media_type=media.type, headers={"Cache-Control": "max-age=600"})

    async def pieces(self, request: Request) -> Response:
        """Answer what stands in the form while the answer is written; the last event is the part of the page."""
        form = await read_form(request, self.served.limits)
        cells, _, _ = await self._cells(form)
        began = time.perf_counter()

        def whole(found: Prediction) -> str:
            return self.pages.part("answer", answer=self._shown(request, cells, None, found, began))

        return await as_events(self.served.pieces(cells), whole)

    async def _answer(
        self, request: Request, cells: Mapping[str, Any], example: Example | None
    ) -> dict[str, Any]:
        """Ask, and give what the template of an answer is filled with."""
        began = time.perf_counter()
        (found,) = await self.served.batcher.ask([cells], shows=True)
        if isinstance(found, DataError):
            raise unreadable(found)
        return await run_in_threadpool(self._shown, request, cells, example, found, began)

    def _shown(
        self,
        request: Request,
        cells: Mapping[str, Any],
        example: Example | None,
        found: Prediction,
        began: float,
    ) -> dict[str, Any]:
        served = self.served
        seconds = time.perf_counter() - began
        return {
            "said": shown_answers(served.asking.said(found), {} if example is None else example.truth),
            "html": looked_at(served.asking, found),
            "truth_html": true_picture(example),
            "seconds": seconds,
            "curl": as_curl(str(request.base_url), cells, served.fields),
            "python": as_python(served.folder, cells, served.asking),
        }

    async def _cells(self, form: Mapping[str, Any]) -> tuple[dict[str, Any], Example | None, int | None]:
        """Cells of a form; a file that was not chosen is that of the example that the form was filled with."""
        cells = {name: cell for name, cell in form.items() if not name.startswith(FROM_EXAMPLE)}
        example: Example | None = None
        index: int | None = None
        for name, value in form.items():
            if not name.startswith(FROM_EXAMPLE):
                continue
            if not isinstance(value, str) or not value.isdecimal() or len(value) > 6:
                raise RefusedError(422, "An example is named by its number.")
            index = int(value)
            found = await self.served.example(index)
            column = name.removeprefix(FROM_EXAMPLE)
            if column and column not in cells and column in found.cells:
                cells[column] = found.cells[column]
            example = found
        return cells, example, index

    def _is_unchanged(self, cells: Mapping[str, Any], example: Example | None) -> bool:
        """Whether a form still asks what the example does, so that its truth is that of the question."""
        if example is None or cells.keys() != example.cells.keys():
            return False
        expected = typed_cells(example.cells, self.served)
        return all(
            cells[name] is cell if isinstance(cell, Own) else cells[name] == expected[name]
            for name, cell in example.cells.items()
        )

    def _preview(self, index: int, example: Example) -> dict[str, Any]:
        """What a card shows of its example: pictures, and words."""
        pictures = [
            f"/examples/{index}/{place}"
            for place, each in enumerate(self.served.fields)
            if each.form == "file" and each.player not in ("sound", "film") and each.column in example.cells
        ]
        words = [
            f"{each.column} {typed}" if len(example.cells) > 1 else typed
            for each, typed in zip(
                self.served.fields, typed_cells(example.cells, self.served).values(), strict=True
            )
            if typed
        ]
        return {"pictures": pictures[:MOST_PICTURES], "words": " · ".join(words)}


def plain(value: Any) -> Any:
    """The same with None for numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _of_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"
