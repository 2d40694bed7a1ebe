#!/bin/sh
# What a task of the chaos test does: it runs its time, then fails as often as its index is to fail, or succeeds.
index=${JOB_COMPLETION_INDEX:--}
[ "${STUBBORN:-0}" = 1 ] && trap '' TERM
# The n-th word of a list is for index n; a Job without indexes has one word.
nth() {
  [ "$index" = - ] || shift "$index"
  echo "$1"
}
sleep "$(nth $SECONDS_OF)"
fails=$(nth $FAILS)
failed=$CHAOS_DIR/$JOB.$index
before=0
[ ! -e "$failed" ] || before=$(wc -l <"$failed")
if [ "$before" -lt "$fails" ]; then
  echo "$GANTRY_POD_UID" >>"$failed"
  exit "$CODE"
fi
