--[[
  Puts jobs on a BullMQ queue of Pods; put before the scripts that use it. What BullMQ's own script does
  for one job is done for all, without its event stream.
]]
local POD_QUEUE_CHUNK = 1000

-- `jobs`: id, name and data of each in turn; those that are there already stay as they are. `options`:
-- of each, as BullMQ stores them; `now`: Unix ms.
local function add_to_queue(prefix, now, options, jobs)
  local function add(first, last)
    local keys, ids = {}, {}
    for n = first, last, 3 do
      keys[#keys + 1] = prefix .. jobs[n]
    end
    local any_there = redis.call("EXISTS", unpack(keys)) > 0
    for k, key in ipairs(keys) do
      if not any_there or redis.call("EXISTS", key) == 0 then
        local n = first + 3 * (k - 1)
        redis.call("HSET", key, "name", jobs[n + 1], "data", jobs[n + 2], "opts", options,
          "timestamp", now, "delay", 0, "priority", 0)
        ids[#ids + 1] = jobs[n]
      end
    end
    if #ids > 0 then
      redis.call("LPUSH", prefix .. "wait", unpack(ids))
    end
    return #ids
  end
  local added = 0
  for first = 1, #jobs, 3 * POD_QUEUE_CHUNK do
    added = added + add(first, math.min(first + 3 * POD_QUEUE_CHUNK, #jobs + 1) - 3)
  end
  if added > 0 and redis.call("HEXISTS", prefix .. "meta", "paused") == 0 then
    redis.call("ZADD", prefix .. "marker", 0, "0")
  end
end

