"""What all families of torchvision are given alike: how a film is centred, and how many boxes are sorted and answered."""

from __future__ import annotations

from typing import Any

GREY: dict[str, Any] = {"image_mean": [0.5], "image_std": [0.25], "_skip_resize": True}
"""A film in [0, 1] is centred at 0.5 and scaled by 0.25, and keeps its size."""

MOST_BOXES = 50
"""Boxes answered for a film at most."""

CANDIDATES = 300
"""Boxes a level, best first, among which overlapping ones are dropped (one-stage families)."""
