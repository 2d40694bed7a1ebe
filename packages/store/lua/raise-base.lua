#!lua
--[[
  Makes every revision handed out so far too old to watch from.

  KEYS[1]  the cell's revision counter
  KEYS[2]  hash of what the store says of itself
  ARGV[1]  how far the revision leaps, by which those who watch now notice

  Returns the new revision.
]]
local base = string.format("%.0f", redis.call("INCRBY", KEYS[1], ARGV[1]))
redis.call("HSET", KEYS[2], "revisionBase", base)
return base
