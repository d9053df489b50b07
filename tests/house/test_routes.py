"""The screens and resources fit together: each address and method is one route's, and each route names its policy."""

from __future__ import annotations

from ringbid.bootstrap.web import HANDLERS
from ringbid.edge.web.app import build_web
from support.web import make_office


def test_all_screens_and_resources_make_one_application() -> None:
    assert build_web(make_office(), HANDLERS).routes
