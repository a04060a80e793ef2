"""What several tests of the exercises look at."""

import types

import pytest


@pytest.fixture
def shown(monkeypatch):
    """What a notebook gets to show, in order, each by its MIME types."""
    bundles = []
    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(kernel=None))
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles
