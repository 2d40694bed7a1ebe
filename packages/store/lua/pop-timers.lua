#!lua
--[[
  Turns due timers into dirty marks (which wakes a scheduler), except those that were set anew meanwhile.

  KEYS[1]  sorted set member -> due time
  ARGV[1]  prefix of all keys, ends in ":"
  then     pairs: member (a sync key), due time at which it was read

  Returns the members that were popped.
]]
local queue = work_queue(ARGV[1])
local popped = {}
for n = 2, #ARGV, 2 do
  local due = redis.call("ZSCORE", KEYS[1], ARGV[n])
  if due and tonumber(due) == tonumber(ARGV[n + 1]) then
    redis.call("ZREM", KEYS[1], ARGV[n])
    queue.mark(ARGV[n])
    popped[#popped + 1] = ARGV[n]
  end
end
return popped
