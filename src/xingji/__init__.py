"""Xingji: what customers do in a bank's online products, stored once and answered exactly."""

__version__ = "0.1.0"
