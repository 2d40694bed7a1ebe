#!lua flags=no-writes
--[[
  Everything a Job's sync reads, at one moment. Bounded by the Job's unsettled Pods.

  KEYS[1]  the cell's revision counter
  ARGV[1]  prefix of all keys, ends in ":"
  ARGV[2]  key of the Job (namespace/name)
  ARGV[3]  uid of the Job as the caller knows it; the caller reads again if it was wrong
  ARGV[4]  namespace

  Returns {job value or false, dirty count, book, timer, ttl, {ownerless names}, {pod key, value, ...}}
]]
local prefix, key, uid, namespace = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local job = redis.call("HGET", prefix .. "o:jobs", key)
local dirty = redis.call("HGET", prefix .. "dirty", "jobs|" .. key) or ""
if not job then
  return { false, dirty }
end
local reply = {
  job,
  dirty,
  redis.call("HGET", prefix .. "book", uid) or "",
  redis.call("ZSCORE", prefix .. "timers", "jobs|" .. key) or "",
  redis.call("ZSCORE", prefix .. "ttl", key) or "",
  redis.call("SMEMBERS", prefix .. "ownerless:" .. namespace),
}
local pods = {}
local names = redis.call("SMEMBERS", prefix .. "live:" .. uid)
for first = 1, #names, 1000 do
  local keys = {}
  for n = first, math.min(first + 999, #names) do
    keys[#keys + 1] = namespace .. "/" .. names[n]
  end
  local values = redis.call("HMGET", prefix .. "o:pods", unpack(keys))
  for n, value in ipairs(values) do
    if value then
      pods[#pods + 1] = keys[n]
      pods[#pods + 1] = value
    end
  end
end
reply[7] = pods
return reply
