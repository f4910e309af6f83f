"""The program `hipsync`, which is also `python -m hipsync`.

It stands in a file that imports next to nothing: while the command line is imported, for a tenth of a second, Ctrl-C is
already answered here.
"""

import gc
import sys

INTERRUPTED = 130
"""What `hipsync.cli.exits` calls so; that file may not have been imported when it is needed."""


def main() -> None:
    """Run the command line; Ctrl-C ends it with 130 and without a traceback at whatever instant it is pressed."""
    gc.set_threshold(50_000)  # not every 700 objects: a short command leaves no garbage, and to look for it takes time
    try:
        from hipsync.cli import main as run_command_line

        run_command_line()
    except SystemExit:
        raise
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        sys.exit(INTERRUPTED)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error: Python makes another of it inside the body of a class."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    main()
