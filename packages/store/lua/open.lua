--[[
  Takes a cell into use.

  KEYS[1]  the cell's revision counter
  KEYS[2]  hash of what the store says of itself: format, runId, revisionBase
  ARGV[1]  format version of this Gantry
  ARGV[2]  run id of the server
  ARGV[3]  how far the revision leaps after a restart of the server

  Returns {1, format} or, where the cell has a newer format, {0, its format}.
]]
local format = redis.call("HGET", KEYS[2], "format")
if format and tonumber(format) > tonumber(ARGV[1]) then
  return { 0, format }
end
redis.call("HSET", KEYS[2], "format", ARGV[1])
local known = redis.call("HGET", KEYS[2], "runId")
if known ~= ARGV[2] then
  redis.call("HSET", KEYS[2], "runId", ARGV[2])
  if known then
    local base = redis.call("INCRBY", KEYS[1], ARGV[3])
    redis.call("HSET", KEYS[2], "revisionBase", string.format("%.0f", base))
  else
    redis.call("SETNX", KEYS[1], "1")
  end
end
return { 1, ARGV[1] }
