"""Requests under other names, and problems in other words."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from serve.errors import Invalid, Problem


def telling(told: Callable[[Problem], Response]) -> type[APIRoute]:
    """Routes whose problems are told in another shape than ours."""

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
            handler = super().get_route_handler()

            async def answered(request: Request) -> Response:
                try:
                    return await handler(request)
                except Problem as problem:
                    return told(problem)

            return answered

    return Route


def renamed(fields: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """Their fields under our names.

    Args:
        names: theirs -> ours; "": it changes nothing here.

    Raises:
        Invalid: there is a field of another name.
    """
    unknown = next((name for name in fields if name not in names), None)
    if unknown is not None:
        raise Invalid(f"'{unknown[:60]}': there is no such field, only {', '.join(names)}", field=unknown)
    return {names[name]: value for name, value in fields.items() if names[name] and value is not None}


def their_name(field: str | None, names: Mapping[str, str]) -> str | None:
    """What they call one of our fields."""
    return next((theirs for theirs, ours in names.items() if field and ours == field), field)


def in_their_words(problem: Problem, names: Mapping[str, str]) -> str:
    """Its sentence, with the field as they call it."""
    theirs = their_name(problem.field, names)
    return problem.detail if theirs == problem.field else problem.detail.replace(f"'{problem.field}'", f"'{theirs}'")
