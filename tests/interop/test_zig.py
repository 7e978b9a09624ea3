"""The Zig runtime's own tests, built and run by `zig build test`."""

from kit.echo_builds import zig_build


def test_the_runtime_keeps_its_promises_on_every_path_of_a_call() -> None:
    # Debug mode: memory that is not freed, and undefined behaviour, fail the tests.
    zig_build("test")
