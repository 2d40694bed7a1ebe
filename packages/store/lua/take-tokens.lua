#!lua
--[[
  Takes from several token buckets at once, as many as all of them have. Time is the server's.

  KEYS[1..n]  buckets (hashes: tokens, at, slow, slowAt)
  KEYS[n+1]   sorted set of who asked lately
  ARGV[1]     how many are wanted
  ARGV[2]     who asks
  ARGV[3]     what becomes of the rate: ms in which a slowed bucket grows by one a second
  then of each bucket: burst, rate a second, tokens to leave for others

  Returns {granted, ms until it is worth to ask again, how many asked lately}.

  A bucket that was slowed (slow-bucket.lua) has the rate that it was slowed to, and grows from there.
]]
local LATELY_MS = 5000
local KEEP_MS = 3600000

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local wanted, growth_ms = tonumber(ARGV[1]), tonumber(ARGV[3])
local count = #KEYS - 1
local buckets, granted, wait = {}, wanted, 0

for n = 1, count do
  local at = 4 + (n - 1) * 3
  local burst, rate, reserve = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local stored = redis.call("HMGET", KEYS[n], "tokens", "at", "slow", "slowAt")
  local tokens, since = tonumber(stored[1] or burst), tonumber(stored[2] or now)
  if stored[3] then
    rate = math.min(rate, tonumber(stored[3]) + (now - tonumber(stored[4])) / growth_ms)
    burst = math.max(1 + reserve, math.min(burst, rate + reserve))
  end
  tokens = math.min(burst, tokens + math.max(0, now - since) * rate / 1000)
  local free = math.floor(tokens - reserve + 1e-9)
  granted = math.max(0, math.min(granted, free))
  if free < wanted then
    wait = math.max(wait, math.ceil((1 + reserve - tokens) * 1000 / rate))
  end
  buckets[n] = tokens
end

for n = 1, count do
  redis.call("HSET", KEYS[n], "tokens", tostring(buckets[n] - granted), "at", now)
  redis.call("PEXPIRE", KEYS[n], KEEP_MS)
end

local askers = KEYS[count + 1]
redis.call("ZADD", askers, now, ARGV[2])
redis.call("ZREMRANGEBYSCORE", askers, "-inf", now - LATELY_MS)
redis.call("PEXPIRE", askers, LATELY_MS)
return { granted, math.max(0, wait), redis.call("ZCARD", askers) }
