#!lua
--[[
  The service refused a call for its rate: halves the bucket's rate, once for refusals at one moment.

  KEYS[1]  bucket
  ARGV[1]  its rate when it is not slowed
  ARGV[2]  ms in which a slowed bucket grows by one a second
  ARGV[3]  least rate

  Returns 1 when it was halved, 0 when it just had been.
]]
local HALVED_LATELY_MS = 1000
local KEEP_MS = 3600000

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local stored = redis.call("HMGET", KEYS[1], "slow", "slowAt")
local rate = tonumber(ARGV[1])
if stored[1] then
  if now - tonumber(stored[2]) < HALVED_LATELY_MS then
    return 0
  end
  rate = math.min(rate, tonumber(stored[1]) + (now - tonumber(stored[2])) / tonumber(ARGV[2]))
end
rate = math.max(tonumber(ARGV[3]), rate / 2)
redis.call("HSET", KEYS[1], "slow", tostring(rate), "slowAt", now, "tokens", "0", "at", now)
redis.call("PEXPIRE", KEYS[1], KEEP_MS)
return 1
