#!lua
--[[
  Adds Pods' jobs to a BullMQ queue, and takes away the marks that they are not there yet. What BullMQ's
  own script does for one job is done for all, without its event stream.

  KEYS[1]  list of waiting jobs
  KEYS[2]  set of marks
  ARGV[1]  prefix of the queue's keys, ends in ":"
  ARGV[2]  now, Unix ms
  ARGV[3]  options of each job, as BullMQ stores them
  then     each job: id, name, data, mark

  Returns how many were added; those that are there already stay as they are.
]]
local prefix = ARGV[1]
local ids, marks = {}, {}
for n = 4, #ARGV, 4 do
  local key = prefix .. ARGV[n]
  if redis.call("EXISTS", key) == 0 then
    redis.call("HSET", key, "name", ARGV[n + 1], "data", ARGV[n + 2], "opts", ARGV[3],
      "timestamp", ARGV[2], "delay", 0, "priority", 0)
    ids[#ids + 1] = ARGV[n]
  end
  marks[#marks + 1] = ARGV[n + 3]
end
if #ids > 0 then
  redis.call("LPUSH", KEYS[1], unpack(ids))
  if redis.call("HEXISTS", prefix .. "meta", "paused") == 0 then
    redis.call("ZADD", prefix .. "marker", 0, "0")
  end
end
redis.call("SREM", KEYS[2], unpack(marks))
return #ids
