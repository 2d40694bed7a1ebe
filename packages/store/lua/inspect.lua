#!lua flags=no-writes
--[[
  The server that has this cell, which in a Cluster is one of several.

  KEYS[1]  the cell's revision counter, which says where it is

  Returns {INFO, seconds, microseconds of its clock}.
]]
local time = redis.call("TIME")
return { redis.call("INFO"), time[1], time[2] }
