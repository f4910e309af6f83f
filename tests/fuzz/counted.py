"""Counts how often decoders are entered, and how often they return a value.

A decoder is wrapped wherever it is bound, in whatever module of `hipsync_devices`.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any


@dataclass(slots=True)
class Count:
    """How often the innermost decoders were entered, and returned a value."""

    entered: int = 0
    returned: int = 0


@contextlib.contextmanager
def counted(names: Sequence[str]) -> Generator[Count]:
    count = Count()
    with contextlib.ExitStack() as stack:
        for name in names:
            where, path = name.split(":")
            *outer, last = path.split(".")
            holder: Any = importlib.import_module(f"hipsync_devices.{where}")
            for part in outer:
                holder = getattr(holder, part)
            raw: Any = inspect.getattr_static(holder, last)
            if hasattr(raw, "__func__"):
                setattr(holder, last, classmethod(_counting(raw.__func__, count)))
                stack.callback(setattr, holder, last, raw)
                continue
            wrapper = _counting(raw, count)
            for module in [module for key, module in sys.modules.items() if key.startswith("hipsync_devices")]:
                for bound in [bound for bound, value in vars(module).items() if value is raw]:
                    setattr(module, bound, wrapper)
                    stack.callback(setattr, module, bound, raw)
        yield count


def _counting(decode: Callable[..., Any], count: Count) -> Callable[..., Any]:
    @wraps(decode)
    def counting(*args: Any, **kwargs: Any) -> Any:
        count.entered += 1
        value = decode(*args, **kwargs)
        count.returned += 1
        return value

    return counting
