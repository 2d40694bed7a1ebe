--[[
  The workqueue's rules, put before the scripts that use them. A key is on the queue (`ready`) or held
  by a scheduler (`taken`) while it has a dirty mark; what is marked while it is held is offered again
  when it is given back, so that a key is never held twice.
]]
local function work_queue(prefix)
  local dirty, ready, taken = prefix .. "dirty", prefix .. "ready", prefix .. "taken"
  local now_ms, rung
  local queue = { dirty = dirty, ready = ready, taken = taken }

  -- Redis' clock, the same for all schedulers.
  function queue.now()
    if not now_ms then
      local time = redis.call("TIME")
      now_ms = string.format("%.3f", time[1] * 1000 + time[2] / 1000)
    end
    return now_ms
  end

  -- Wakes one scheduler that waits; one that takes all it can and leaves some wakes the next.
  function queue.ring()
    if not rung then
      rung = true
      redis.call("ZADD", prefix .. "bell", 0, "1")
    end
  end

  -- Puts a marked key on the queue; returns whether it was not there.
  local function put(key)
    return redis.call("ZADD", ready, "NX", queue.now(), key) == 1
  end

  -- As `put`, unless the key is held; wakes a scheduler. Returns how many were put.
  function queue.offer(key)
    if redis.call("HEXISTS", taken, key) == 1 or not put(key) then
      return 0
    end
    queue.ring()
    return 1
  end

  function queue.mark(key)
    if redis.call("HINCRBY", dirty, key, 1) == 1 then
      queue.offer(key)
    end
  end

  -- Gives held keys back. The caller rings for those that wait again.
  function queue.release(keys)
    redis.call("HDEL", taken, unpack(keys))
    for n, mark in ipairs(redis.call("HMGET", dirty, unpack(keys))) do
      if mark then
        put(keys[n])
      end
    end
  end

  return queue
end

