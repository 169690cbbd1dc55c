#!/usr/bin/python3
"""Runs commands inside the test machine for the tests on the host.

The host speaks through a virtio-serial port, one JSON object a line, bytes as base64.

From the host:
  {"op": "hello", "session": S}              forget the session before, end its commands
  {"op": "start", "id", "argv", "user", "cwd", "env", "input", "keepInput", "tty", "timeoutMs"}
  {"op": "input", "id", "data"}              more standard input
  {"op": "endInput", "id"}
  {"op": "resize", "id", "rows", "cols"}
  {"op": "signal", "id", "signal", "group"}  to the command alone, or to its process group
  {"op": "writeFile", "id", "path", "data", "mode", "owner"}
  {"op": "readFile", "id", "path"}

To the host:
  {"event": "hello", "session": S, "boot": B}
  {"id", "event": "started", "pid"}
  {"id", "event": "output", "stream": "stdout" or "stderr", "data"}
  {"id", "event": "exit", "status", "signal", "timedOut"}
  {"id", "event": "done", "data"}            a file operation went well
  {"id", "event": "error", "message"}
"""

import base64
import fcntl
import json
import os
import pwd
import selectors
import signal
import struct
import sys
import termios
import time

PORT = '/dev/virtio-ports/rlimit.agent'
CHUNK = 65536
# What a dead command left in its pipe fits in this many reads; a child that it left behind and
# that writes for ever must not hold us up.
LAST_READS = 64


def boot_id():
    """Another one after each boot (random(4))."""
    with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as file:
        return file.read().strip()


def encode(data):
    return base64.b64encode(data).decode('ascii')


def environment_of(account, terminal, extra):
    """What a login would give, without a login: no PAM, so no session scope of its own."""
    environment = {
        'HOME': account.pw_dir,
        'USER': account.pw_name,
        'LOGNAME': account.pw_name,
        'SHELL': account.pw_shell,
        'LANG': 'C.UTF-8',
        'PATH': '/usr/local/bin:/usr/bin:/bin',
    }
    if account.pw_uid == 0:
        environment['PATH'] = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    else:
        runtime = f'/run/user/{account.pw_uid}'
        environment['XDG_RUNTIME_DIR'] = runtime
        environment['DBUS_SESSION_BUS_ADDRESS'] = f'unix:path={runtime}/bus'
    if terminal:
        environment['TERM'] = 'xterm-256color'
    environment.update(extra)
    return environment


def set_window_size(terminal, rows, cols):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))


def become(account, streams, terminal, cwd, argv, environment):
    """In the forked child: turn into the command. Never returns."""
    try:
        os.setsid()
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # Python ignores these two for itself, and we are spared the OOM killer: a command must
        # find the world as a login shell would.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        with open('/proc/self/oom_score_adj', 'w', encoding='ascii') as score:
            score.write('0')
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        os.chdir(cwd or account.pw_dir)
        os.execvpe(argv[0], argv, environment)
    except FileNotFoundError as error:
        os.write(2, f'{error}\n'.encode())
        os._exit(127)
    except BaseException as error:
        os.write(2, f'{error}\n'.encode())
        os._exit(126)


class Command:
    """A running command with its pipes or its terminal."""

    def __init__(self, agent, request):
        self.agent = agent
        self.id = request['id']
        self.timed_out = False
        self.deadline = None
        self.pending_input = b''
        self.keep_input = request.get('keepInput', False)
        self.terminal = request.get('tty')
        account = pwd.getpwnam(request['user'])
        child_streams, self.input, self.outputs = self.open_streams(account)
        environment = environment_of(account, self.terminal, request.get('env', {}))
        self.pid = os.fork()
        if self.pid == 0:
            become(
                account, child_streams, self.terminal, request.get('cwd'), request['argv'],
                environment,
            )
        for descriptor in set(child_streams):
            os.close(descriptor)
        self.pidfd = os.pidfd_open(self.pid)
        agent.say(id=self.id, event='started', pid=self.pid)
        self.watch(request.get('timeoutMs'))
        self.feed(base64.b64decode(request.get('input', '')))

    def open_streams(self, account):
        """(the child's 0, 1 and 2), our end of its input, our ends of its outputs by name."""
        if self.terminal:
            ours, theirs = os.openpty()
            set_window_size(ours, self.terminal['rows'], self.terminal['cols'])
            os.fchown(theirs, account.pw_uid, -1)
            return (theirs, theirs, theirs), ours, {'stdout': ours}
        child_in, our_in = os.pipe()
        our_out, child_out = os.pipe()
        our_err, child_err = os.pipe()
        return (child_in, child_out, child_err), our_in, {'stdout': our_out, 'stderr': our_err}

    def watch(self, timeout_ms):
        if timeout_ms:
            self.deadline = time.monotonic() + timeout_ms / 1000
        for stream, descriptor in self.outputs.items():
            os.set_blocking(descriptor, False)
            self.agent.on_readable(descriptor, lambda stream=stream: self.relay(stream))
        if not self.terminal:
            os.set_blocking(self.input, False)
        self.agent.on_readable(self.pidfd, self.ended)

    def relay(self, stream):
        """Pass one piece of output on; False when there is none now."""
        descriptor = self.outputs.get(stream)
        if descriptor is None:
            return False
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # a terminal whose last process has gone says EIO
            data = b''
        if not data:
            self.agent.forget(descriptor)
            del self.outputs[stream]
            if descriptor != self.input:
                os.close(descriptor)
            return False
        self.agent.say(id=self.id, event='output', stream=stream, data=encode(data))
        return True

    def feed(self, data):
        self.pending_input += data
        self.write_input()

    def end_input(self):
        self.keep_input = False
        self.write_input()

    def write_input(self):
        """Write what the command takes now, and come back for the rest when it takes more."""
        if self.input is None:
            return
        try:
            while self.pending_input:
                written = os.write(self.input, self.pending_input)
                self.pending_input = self.pending_input[written:]
        except BlockingIOError:
            if not self.terminal:
                self.agent.on_writable(self.input, self.write_input)
            return
        except OSError:  # nobody reads it any more
            self.pending_input = b''
        if self.terminal:
            return
        self.agent.forget(self.input)
        if not self.keep_input:
            os.close(self.input)
            self.input = None

    def send_signal(self, number, group):
        try:
            if group:
                os.killpg(self.pid, number)
            else:
                signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            pass

    def kill_at_deadline(self, now):
        if self.deadline is not None and now >= self.deadline:
            self.deadline = None
            self.timed_out = True
            self.send_signal(signal.SIGKILL, group=True)

    def ended(self):
        _, status = os.waitpid(self.pid, 0)
        for stream in list(self.outputs):
            for _ in range(LAST_READS):
                if not self.relay(stream):
                    break
        self.close()
        code = os.waitstatus_to_exitcode(status)
        self.agent.say(
            id=self.id, event='exit', timedOut=self.timed_out,
            status=code if code >= 0 else None,
            signal=signal.Signals(-code).name if code < 0 else None,
        )

    def close(self):
        del self.agent.commands[self.id]
        descriptors = {self.pidfd, *self.outputs.values()}
        if self.input is not None:
            descriptors.add(self.input)
        for descriptor in descriptors:
            self.agent.forget(descriptor)
            os.close(descriptor)

    def abandon(self):
        """Its session is over: nobody will ask for it any more."""
        self.send_signal(signal.SIGKILL, group=True)
        os.waitpid(self.pid, 0)
        self.close()


class Agent:
    def __init__(self):
        self.port = os.open(PORT, os.O_RDWR)
        self.unread = b''
        self.commands = {}
        self.selector = selectors.DefaultSelector()
        self.on_readable(self.port, self.listen)

    def on_readable(self, descriptor, callback):
        self.selector.register(descriptor, selectors.EVENT_READ, callback)

    def on_writable(self, descriptor, callback):
        if descriptor not in self.selector.get_map():
            self.selector.register(descriptor, selectors.EVENT_WRITE, callback)

    def forget(self, descriptor):
        if descriptor in self.selector.get_map():
            self.selector.unregister(descriptor)

    def say(self, **message):
        line = json.dumps(message).encode() + b'\n'
        while line:
            line = line[os.write(self.port, line):]

    def listen(self):
        data = os.read(self.port, CHUNK)
        if not data:  # no host is connected now, and the port says so without a pause
            time.sleep(0.05)
            return
        *lines, self.unread = (self.unread + data).split(b'\n')
        for line in lines:
            self.obey_line(line)

    def obey_line(self, line):
        try:
            request = json.loads(line)
        except ValueError:  # the rest of a line that an earlier host did not finish
            return
        try:
            self.obey(request)
        except Exception as error:
            self.say(id=request.get('id'), event='error', message=f'{type(error).__name__}: {error}')

    def obey(self, request):
        operation = request['op']
        if operation == 'hello':
            self.begin_session(request['session'])
        elif operation == 'start':
            self.commands[request['id']] = Command(self, request)
        elif operation == 'writeFile':
            self.write_file(request)
        elif operation == 'readFile':
            with open(request['path'], 'rb') as file:
                self.say(id=request['id'], event='done', data=encode(file.read()))
        elif request['id'] in self.commands:  # else it has ended meanwhile
            self.obey_for_command(self.commands[request['id']], request)

    def obey_for_command(self, command, request):
        operation = request['op']
        if operation == 'input':
            command.feed(base64.b64decode(request['data']))
        elif operation == 'endInput':
            command.end_input()
        elif operation == 'resize':
            set_window_size(command.input, request['rows'], request['cols'])
        elif operation == 'signal':
            command.send_signal(signal.Signals[request['signal']], request['group'])
        else:
            raise ValueError(f'unknown operation {operation}')

    def begin_session(self, session):
        for command in list(self.commands.values()):
            command.abandon()
        # The newline ends whatever part of a line the session before left on its way.
        os.write(self.port, b'\n')
        self.say(event='hello', session=session, boot=boot_id())

    def write_file(self, request):
        account = pwd.getpwnam(request['owner'])
        path = request['path']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(request['data']))
            os.fchmod(file.fileno(), request['mode'])
            os.fchown(file.fileno(), account.pw_uid, account.pw_gid)
        self.say(id=request['id'], event='done', data='')

    def run(self):
        while True:
            deadlines = [c.deadline for c in self.commands.values() if c.deadline is not None]
            wait = max(0, min(deadlines) - time.monotonic()) if deadlines else None
            for key, _ in self.selector.select(wait):
                # A callback may have closed what a later one of this round was for.
                if self.selector.get_map().get(key.fd) is key:
                    key.data()
            now = time.monotonic()
            for command in list(self.commands.values()):
                command.kill_at_deadline(now)


if __name__ == '__main__':
    sys.exit(Agent().run())
