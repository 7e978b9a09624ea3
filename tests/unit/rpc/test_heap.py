"""Memory of large messages stays with the process between two batches."""

import subprocess
import sys

_PROGRAM = """
import resource, sys
from proofplane.rpc.heap import keep_freed_memory
assert keep_freed_memory() is keep_freed_memory()
def batch():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    messages = [bytes(65536) for _ in range(100)]
    del messages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
for _ in range(4):
    batch()
print(batch())
"""


def test_a_second_batch_of_large_messages_faults_no_pages_in_again() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=True)

    assert int(done.stdout) < 100  # without it every page of 6.4 MB, some 1,600
