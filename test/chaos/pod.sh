#!/bin/sh
# What a Pod of the chaos suite does: it tells its own journal when it begins, that it runs, and how it ends.
# Each line is one append: WHAT UPTIME JOB POD INDEX NODE PID CODE. Uptime is no wall clock: it never jumps.
index=${JOB_COMPLETION_INDEX:--}
journal=$CHAOS_DIR/pods/$POD_UID
say() {
  read -r up _ </proc/uptime
  echo "$1 $up $JOB $POD_NAME $index $NODE $$ ${2:--}" >>"$journal"
}
say begin
if [ "${STUBBORN:-0}" = 1 ]; then
  trap 'say term' TERM
else
  trap 'say term; exit 143' TERM
fi
# The n-th word of a list is for index n; a Job without indexes has one word.
nth() {
  [ "$index" = - ] || shift "$index"
  echo "$1"
}
ticks=$(nth $TICKS)
n=0
while [ "$n" -lt "$ticks" ]; do
  sleep 0.2
  n=$((n + 1))
  say tick
done
fails=$(nth $FAILS)
failed=$CHAOS_DIR/failed/$JOB.$index
before=0
[ ! -e "$failed" ] || before=$(wc -l <"$failed")
if [ "$before" -lt "$fails" ]; then
  echo "$POD_UID" >>"$failed"
  say end "$CODE"
  exit "$CODE"
fi
say end 0
exit 0
