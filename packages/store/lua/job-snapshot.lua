#!lua flags=no-writes
--[[
  Everything that the syncs of some Jobs read, at one moment. Bounded by the Jobs' unsettled Pods.

  KEYS[1]  the cell's revision counter
  ARGV[1]  prefix of all keys, ends in ":"
  then     each Job: its key (namespace/name), and its uid as the caller knows it; the caller reads
           again if that was wrong

  Returns for each Job {value, dirty count, book, timer, ttl, {ownerless names}, {pod key, value, ...}},
  or {false, dirty count} where there is none.
]]
local prefix = ARGV[1]

-- Names of a Job's unsettled Pods, as keys and values in turn.
local function pods_of(namespace, uid)
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
  return pods
end

local keys, syncs, uids = {}, {}, {}
for n = 2, #ARGV, 2 do
  keys[#keys + 1] = ARGV[n]
  syncs[#syncs + 1] = "jobs|" .. ARGV[n]
  uids[#uids + 1] = ARGV[n + 1]
end
local jobs = redis.call("HMGET", prefix .. "o:jobs", unpack(keys))
local marks = redis.call("HMGET", prefix .. "dirty", unpack(syncs))
local books = redis.call("HMGET", prefix .. "book", unpack(uids))
local due = redis.call("ZMSCORE", prefix .. "timers", unpack(syncs))
local ttls = redis.call("ZMSCORE", prefix .. "ttl", unpack(keys))
local ownerless, replies = {}, {}
for n, job in ipairs(jobs) do
  if job then
    local namespace = string.match(keys[n], "^[^/]*")
    ownerless[namespace] = ownerless[namespace] or redis.call("SMEMBERS", prefix .. "ownerless:" .. namespace)
    replies[n] = {
      job, marks[n] or "", books[n] or "", due[n] or "", ttls[n] or "",
      ownerless[namespace], pods_of(namespace, uids[n]),
    }
  else
    replies[n] = { false, marks[n] or "" }
  end
end
return replies
