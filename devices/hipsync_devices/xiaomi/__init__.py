"""Xiaomi Smart Band 7 Pro to 10 and their kin: frames, login, messages, files, and simulated bands.

The family is not registered, because its conversation is not written yet.
"""
