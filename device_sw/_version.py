"""The device software's version: one string, read by the wheel, the label and every output."""

__version__ = "0.1.1"
