#!/bin/sh
# with-notify-socket COMMAND...: becomes COMMAND, with a socket that is connected to systemd's as file descriptor LOGCALLD_NOTIFY_FD.
# Node has no datagram sockets of the Unix family but can write to one that it is given; so READY=1, WATCHDOG=1 and the like come from
# the main process itself, without a child for each. Nothing of sh or perl stays in memory.
[ -n "${NOTIFY_SOCKET:-}" ] || exec "$@"
if ! command -v perl >/dev/null; then
  echo '<3>logcalld: perl is missing, which connects logcalld to systemd: install it, or give the unit Type=exec, NotifyAccess=none and WatchdogSec=0.' >&2
  exit 78
fi
# $^F: the highest descriptor that is handed on. A socket that does not wait: systemd must never hold up the daemon.
exec perl -MSocket -MFcntl -e '
  $^F = 1023;
  (my $path = $ENV{NOTIFY_SOCKET}) =~ s/^\@/\0/;
  my $socket;
  if (socket($socket, AF_UNIX, SOCK_DGRAM, 0) && connect($socket, pack_sockaddr_un($path))) {
    fcntl($socket, F_SETFL, O_RDWR | O_NONBLOCK);
    $ENV{LOGCALLD_NOTIFY_FD} = fileno($socket);
  } else {
    print STDERR "<4>logcalld: $ENV{NOTIFY_SOCKET}: $!\n";
  }
  exec { $ARGV[0] } @ARGV or die "<3>logcalld: $ARGV[0]: $!\n";
' -- "$@"
