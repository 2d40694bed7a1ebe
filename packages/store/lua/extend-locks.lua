#!lua
--[[
  Extends the locks of active jobs of a BullMQ queue.

  KEYS[1]  set of jobs that may have stalled
  ARGV[1]  prefix of the queue's keys, ends in ":"
  ARGV[2]  token of the locks
  ARGV[3]  how long a lock holds from now on, ms
  ARGV[4...]  ids of the jobs

  Returns how many were extended; those whose lock another holds, or nobody, are left alone.
]]
local extended = {}
for n = 4, #ARGV do
  local lock = ARGV[1] .. ARGV[n] .. ":lock"
  if redis.call("GET", lock) == ARGV[2] then
    redis.call("PEXPIRE", lock, ARGV[3])
    extended[#extended + 1] = ARGV[n]
  end
end
if #extended > 0 then
  redis.call("SREM", KEYS[1], unpack(extended))
end
return #extended
