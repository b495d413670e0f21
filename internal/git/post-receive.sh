#!/bin/sh
# Installed by `loanops ci hook install`: whoever pushes a branch has it tested, and delivered when it is green. The push
# itself is taken before this runs, whatever comes of it here.
loanops=@PROGRAM@
state=@STATE@
environment=@ENVIRONMENT@
seconds=@SECONDS@

repository=$(pwd -P)
if [ -n "$environment" ]; then
	if [ ! -r "$environment" ]; then
		echo "loanops: $environment cannot be read; nothing is tested" >&2
		exit 0
	fi
	set -a
	. "$environment"
	set +a
fi

# start runs the command, and ends it where it takes too long: who pushes waits for it.
start() {
	"$loanops" --state "$state" ci start --repo "$repository" --ref="$1" --branch="$2" --trigger push </dev/null >&2 &
	started=$!
	(sleep "$seconds" && kill "$started") </dev/null >/dev/null 2>&1 &
	watch=$!
	wait "$started"
	code=$?
	kill "$watch" 2>/dev/null
	return "$code"
}

while read -r _ new ref; do
	case $ref in
	refs/heads/*) branch=${ref#refs/heads/} ;;
	*) continue ;; # a tag, a note
	esac
	case $new in
	*[!0]*) ;;
	*) continue ;; # deleted
	esac
	if start "$new" "$branch"; then
		echo "loanops: $branch is being tested" >&2
	else
		echo "loanops: $branch is pushed, but its tests were not started (exit code $?); start them by hand: loanops ci start --repo $repository --ref $branch" >&2
	fi
done
exit 0
