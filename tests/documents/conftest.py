"""Check documents against the published schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from evisynth.requests import SCHEMAS, schema

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def validate() -> Callable[[str, object], None]:
    """Check a document against a published schema: ``result``, ``request`` or ``error``."""
    validators: dict[str, Any] = {name: Draft202012Validator(schema(name)) for name in SCHEMAS}

    def check(name: str, document: object) -> None:
        validators[name].validate(document)

    return check
