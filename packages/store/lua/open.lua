#!lua
--[[
  Takes a cell into use, and looks whether it is the one that was seen before. Cheap when it is.

  KEYS[1]  the cell's revision counter
  KEYS[2]  hash of what the store says of itself: format, formatMinor, runId, revisionBase
  ARGV[1]  format of this Gantry, ARGV[2] its minor
  ARGV[3]  how far the revision leaps after another server took over

  Returns {1, minor of the cell, run id of the server, revision base} or, where the cell has a newer
  format, {0, its format}.
]]
local format = redis.call("HGET", KEYS[2], "format")
if format and tonumber(format) > tonumber(ARGV[1]) then
  return { 0, format }
end
if not format then
  -- A new cell has what the present format has.
  redis.call("HSET", KEYS[2], "format", ARGV[1], "formatMinor", ARGV[2])
end
-- The server that has this cell, which in a Cluster is one of several.
local run_id = string.match(redis.call("INFO", "server"), "run_id:(%w+)") or ""
local known = redis.call("HGET", KEYS[2], "runId")
if known ~= run_id then
  redis.call("HSET", KEYS[2], "runId", run_id)
  if known then
    local base = redis.call("INCRBY", KEYS[1], ARGV[3])
    redis.call("HSET", KEYS[2], "revisionBase", string.format("%.0f", base))
  else
    redis.call("SETNX", KEYS[1], "1")
  end
end
return {
  1,
  redis.call("HGET", KEYS[2], "formatMinor") or "0",
  run_id,
  redis.call("HGET", KEYS[2], "revisionBase") or "0",
}
