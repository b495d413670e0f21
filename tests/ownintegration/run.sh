#!/bin/sh
# run.sh COMMAND...: runs a command of ci.yaml in the scratch folder that continuous integration gives it.
#
# GOCACHE_SEED, where it is set, names a build cache that seed.sh has made, and Go's begins as that: each entry is a link to a file that this user cannot
# change. Go takes an entry for what the same compiler made of the same source with the same flags, and nothing else. Commands cannot write to the seed, so it
# holds nothing that a commit has put there; and nothing of this project is in it, so that all of the commit is compiled here.
set -eu
if [ -n "${GOCACHE_SEED:-}" ]; then
	export GOCACHE="$HOME/.cache/go-build"
	mkdir -p "$HOME/.cache"
	cp -rs "$GOCACHE_SEED" "$GOCACHE"
	rm -f "$GOCACHE/trim.txt"
	date +%s >"$GOCACHE/trim.txt" # just tidied up: what is old in the seed is still good
fi
# On more processors Go would start more processes, and use more memory, than a command may have.
[ "$(nproc)" -le 4 ] || export GOMAXPROCS=4

{ "$@" 2>&1 || echo "$?" >"$TMPDIR/code"; } | tee "$TMPDIR/printed"
[ -e "$TMPDIR/code" ] || exit 0
# Why it failed, where no test has said so itself.
grep -q '^ *reason: ' "$TMPDIR/printed" ||
	grep -E -e '^ *--- FAIL: ' -e '^(vet: )?[^ ]+\.go:[0-9]+:[0-9]+: ' -e '^panic: ' "$TMPDIR/printed" | sed 's/^ */reason: /'
exit "$(cat "$TMPDIR/code")"
