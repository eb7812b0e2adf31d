#!/bin/sh
# /usr/bin/logcalld
exec /usr/lib/logcalld/bin/node /usr/lib/logcalld/src/logcalld.js "$@"
