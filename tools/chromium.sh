#!/bin/sh
# Makes sure that there is a Chromium for the browser tests, or says plainly that they will be skipped.
set -u
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests …" >&2
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium; } >/dev/null 2>&1 </dev/null; then
        exit 0
    fi
    echo "apt-get could not install it." >&2
fi
echo "SKIPPED: the browser tests, because there is no Chromium here (install the package chromium to run them)." >&2
