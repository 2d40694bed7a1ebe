#!lua
--[[
  Takes a lease that nobody holds, or extends one's own.

  KEYS[1]  lease
  ARGV[1]  who asks
  ARGV[2]  for how many ms; 0 gives one's own up

  Returns 1 when it is the caller's from now on (or was given up), else 0.
]]
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
if ARGV[2] == "0" then
  redis.call("DEL", KEYS[1])
else
  redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
end
return 1
