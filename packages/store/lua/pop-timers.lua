#!lua
--[[
  Turns due timers into dirty marks, except those that were set anew meanwhile.

  KEYS[1]  sorted set member -> due time
  KEYS[2]  hash of dirty marks
  ARGV     pairs: member (a sync key), due time at which it was read

  Returns the members that were popped.
]]
local popped = {}
for n = 1, #ARGV, 2 do
  local due = redis.call("ZSCORE", KEYS[1], ARGV[n])
  if due and tonumber(due) == tonumber(ARGV[n + 1]) then
    redis.call("ZREM", KEYS[1], ARGV[n])
    redis.call("HINCRBY", KEYS[2], ARGV[n], 1)
    popped[#popped + 1] = ARGV[n]
  end
end
return popped
