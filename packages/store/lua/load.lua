#!lua flags=no-writes
--[[
  How much there is in the cell, and in the server that has it.

  KEYS[1]  set of unfinished Jobs

  Returns {number of unfinished Jobs, INFO memory}.
]]
return { redis.call("SCARD", KEYS[1]), redis.call("INFO", "memory") }
