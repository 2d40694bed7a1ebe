#!lua flags=no-writes
--[[
  One page of a resource in key order, with the revision at which it was read.

  KEYS[1]  the cell's revision counter
  ARGV[1]  prefix of all keys, ends in ":"
  ARGV[2]  resource
  ARGV[3]  lower bound, ARGV[4] upper bound (as ZRANGEBYLEX takes them)
  ARGV[5]  most keys to return

  Returns {rv, key, value, key, value, ...}; value is "<rv> <body>".
]]
local keys = redis.call(
  "ZRANGEBYLEX", ARGV[1] .. "i:" .. ARGV[2], ARGV[3], ARGV[4], "LIMIT", 0, tonumber(ARGV[5])
)
local reply = { redis.call("GET", KEYS[1]) or "0" }
if #keys > 0 then
  local values = redis.call("HMGET", ARGV[1] .. "o:" .. ARGV[2], unpack(keys))
  for n, key in ipairs(keys) do
    reply[#reply + 1] = key
    reply[#reply + 1] = values[n]
  end
end
return reply
