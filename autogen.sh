#!/bin/sh
# Makes configure and Makefile.in again after a change to configure.ac or Makefile.am.
# For maintainers: needs autoconf, automake and pkg-config's pkg.m4.  The results are committed.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux
aclocal
autoconf
automake --add-missing --copy --foreign
rm -rf autom4te.cache
