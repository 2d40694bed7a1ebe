#!lua
--[[
  Keeps the newest that is known of a task, and tells all workers of it.

  KEYS[1]  hash Pod uid -> record of its task
  KEYS[2]  hash task -> "<version> <body>"
  KEYS[3]  stream of what was seen
  ARGV[1]  uid of the Pod that the task is for
  ARGV[2]  task
  ARGV[3]  version
  ARGV[4]  body
  ARGV[5]  longest length of the stream (approximate)

  Returns "new", "old" (this or a later version was known), or "unowned" (no Pod has this task).
]]
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then
  return "unowned"
end
local known = redis.call("HGET", KEYS[2], ARGV[2])
if known and tonumber(string.sub(known, 1, string.find(known, " ", 1, true) - 1)) >= tonumber(ARGV[3]) then
  return "old"
end
redis.call("HSET", KEYS[2], ARGV[2], ARGV[3] .. " " .. ARGV[4])
redis.call("XADD", KEYS[3], "MAXLEN", "~", ARGV[5], "*", "t", ARGV[2], "v", ARGV[3], "b", ARGV[4])
return "new"
