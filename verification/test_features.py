"""Binds every scenario under verification/features; the steps are registered by verification/conftest.py."""

from pytest_bdd import scenarios

scenarios(".")
