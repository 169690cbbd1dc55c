"""One round: how soon a hog is dead once a threshold is crossed, and what a bystander feels meanwhile.

kill.py guard|earlyoom, as root, prints {"killed": bool, "ms": …, "late": …, "touch": …} in milliseconds:
from the crossing until the hog is dead, and the worst that a bystander felt who wants to run every 10 ms
and touches 8 MiB of its memory then: how late it came, and how long touching took.
"""
import json
import os
import signal
import subprocess
import sys
import time

MARGIN = 12  # Percent of the memory that the hog takes before the threshold.
HOG = '''
import sys, time
def available():
    with open('/proc/meminfo') as file:
        lines = dict(line.split(':') for line in file)
    return 100 * int(lines['MemAvailable'].split()[0]) / int(lines['MemTotal'].split()[0])
blocks, told = [], False
while len(blocks) < 1000:
    blocks.append(bytearray(b'x' * (1 << 20)))
    if not told and available() <= float(sys.argv[1]):
        told = True
        print(time.monotonic_ns(), flush=True)
time.sleep(60)
'''
BYSTANDER = '''
import signal, sys, time
memory, late, touch = bytearray(8 << 20), 0, 0
def end(*_):
    print(late, touch, flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
while True:
    before = time.monotonic_ns()
    time.sleep(0.01)
    woken = time.monotonic_ns()
    for at in range(0, len(memory), 4096):
        memory[at] = 1
    late = max(late, woken - before - 10_000_000)
    touch = max(touch, time.monotonic_ns() - woken)
'''


def available():
    with open('/proc/meminfo') as file:
        lines = dict(line.split(':') for line in file)
    return 100 * int(lines['MemAvailable'].split()[0]) / int(lines['MemTotal'].split()[0])


def killer(name, percent):
    if name == 'earlyoom':
        return ['earlyoom', '-m', f'{percent},1', '-s', '100,100', '-r', '0']
    settings = {
        'graduated': {'enabled': False},
        'managed_processes': [],
        'backstop': {'term_percent': percent, 'kill_percent': 1},
    }
    with open('/tmp/bench-guard.yaml', 'w') as file:
        json.dump(settings, file)
    return ['rlimit', 'guard', 'run', '--config', '/tmp/bench-guard.yaml']


def as_user(*argv):
    argv = ['setpriv', '--reuid', 'dev', '--regid', 'dev', '--clear-groups', 'python3', '-IS', '-c', *argv]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


percent = int(available()) - MARGIN
log = open('/tmp/bench-killer.log', 'w')
guard = subprocess.Popen(killer(sys.argv[1], percent), stdout=log, stderr=log)
time.sleep(6)
bystander = as_user(BYSTANDER)
time.sleep(1)
hog = as_user(HOG, str(percent))
crossed = int(hog.stdout.readline() or 0)
hog.wait(60)
died = time.monotonic_ns()
bystander.send_signal(signal.SIGTERM)
late, touch = (int(word) / 1e6 for word in bystander.communicate()[0].split())
guard.send_signal(signal.SIGTERM)
guard.wait(30)
killed = hog.returncode < 0 and crossed > 0
print(json.dumps({'killed': killed, 'ms': (died - crossed) / 1e6, 'late': late, 'touch': touch}))
