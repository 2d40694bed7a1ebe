--[[
  Removes popped timers, except those that were set anew meanwhile.

  KEYS[1]  sorted set member -> due time
  ARGV     pairs: member, due time at which it was popped

  Returns the number removed.
]]
local removed = 0
for n = 1, #ARGV, 2 do
  local due = redis.call("ZSCORE", KEYS[1], ARGV[n])
  if due and tonumber(due) == tonumber(ARGV[n + 1]) then
    removed = removed + redis.call("ZREM", KEYS[1], ARGV[n])
  end
end
return removed
