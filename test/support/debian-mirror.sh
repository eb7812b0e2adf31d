# Read by the scripts that install a Debian into a folder.
# Prints the Debian mirror that this machine's apt uses; nothing where there is none. Both formats of apt's source lists; the
# security archive has only fixes.
mirror_of_apt() {
  {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '/^URIs:/ { print $2 }'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\/\//) { print $i; break } }'
  } | grep -E '/debian/?$' | head -n 1
}
