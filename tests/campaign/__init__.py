"""The campaign: real hipsync processes are struck at random instants, and a judge that knows the truth counts.

    cd tests
    uv run --no-sync python -m campaign --runs 10000             under two hours on two idle cores
    uv run --no-sync python -m campaign --kind kill-sync --seed 7          one run, once more
    uv run --no-sync python -m campaign --kind power-cut-unsynced --runs 20 --mutant no-fsync
    uv run --no-sync python -m campaign --list                   every kind of fault, in a sentence

Each run makes up minutes that a person lived, and puts them into a simulated band or a file. It starts commands of
hipsync, and lets one fault fall at a random instant of what they do. Then the fault is over: an ordinary
`hipsync sync`, or the same command again, must bring all that is missing, and every minute must be there once, with
its steps.

    __main__, table   the command line; which run comes next; the table
    run               what a kind of fault works with: a band, files, processes, the instant of the fault
    kinds/            the kinds; one function each, and how to add one
    judge             what is lost, doubled or shown wrongly; sqlite3 and csv alone, nothing of hipsync
    warm              a process that has hipsync imported, and forks each command
    band              the band's process; it deletes what is acknowledged
    power, cut.c      a power cut that loses what was not synced
    mutants           errors on purpose: each must turn the campaign red

The columns of the table: `hit` are the runs in which the fault fell within the work, `survived` those after which all
was right. Then come minutes `lost`, and `doubled` or made up; `prompts` shown twice, without an hour of sitting, or in
quiet time; `traces`, the tracebacks and the like on any process's stderr; `broken`, other promises, each of them named
on stderr. `MiB` is the most that one process had resident; a warm one begins with some 60. The exit code is 1 if any of
these but the memory is not 0.

A seed decides everything but the speed of the machine: data, fault, and the instant as a part of the time that the work
usually takes. So `--kind K --seed S` replays a run, and where two processes race, it may need some repetitions.

What is left out: the disk itself (files lie in memory, and `power` plays what a disk may lose), and the real radio
(tests/bluez). What this machine lacks (root, a compiler, libfaketime, pyarrow) is in the table as LEFT OUT.
"""
