"""Times commands in turn, so that a machine whose speed drifts slows all of them alike.

measure.py ROUNDS COMMAND... prints the wall-clock seconds of each command as JSON: a list of lists.
"""
import json
import subprocess
import sys
import time

rounds, commands = int(sys.argv[1]), sys.argv[2:]
seconds = [[] for _ in commands]
for turn in range(rounds + 1):
    for number, command in enumerate(commands):
        begun = time.perf_counter()
        subprocess.run(['sh', '-c', 'exec ' + command], stdout=subprocess.DEVNULL, check=True)
        if turn > 0:  # The first round only warms the caches.
            seconds[number].append(time.perf_counter() - begun)
print(json.dumps(seconds))
