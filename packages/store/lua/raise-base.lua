#!lua
--[[
  Makes every revision handed out so far too old to watch from.

  KEYS[1]  the cell's revision counter
  KEYS[2]  hash of what the store says of itself

  Returns the new revision.
]]
local base = string.format("%.0f", redis.call("INCR", KEYS[1]))
redis.call("HSET", KEYS[2], "revisionBase", base)
return base
