#!lua
--[[
  Ends jobs of a BullMQ queue and hands out the next ones, each step for all of them at once. The keys
  are BullMQ's, and so is what they say: its own tools see every job where it is, and may pause the
  queue, limit it, delay, promote or remove jobs. Its event stream is left out.

  KEYS[1]  list of waiting jobs
  KEYS[2]  hash of Pods, by their jobs' names
  ARGV[1]  prefix of the queue's keys, ends in ":"
  ARGV[2]  token of the locks
  ARGV[3]  how long a lock holds, ms
  ARGV[4]  now, Unix ms
  ARGV[5]  who takes, as operators read it
  ARGV[6]  most jobs to hand out
  ARGV[7]  ended jobs kept of each kind
  then     each job that ended: id, kind, text
           kind "completed", text = JSON of its result; "failed", text = the reason;
           "delayed", text = Unix ms at which it is to be handed out again; "waiting", text = "":
           it is the next to be handed out
           A job whose lock is not held with this token is left alone.

  Returns {time of the next delayed job or 0, id, name, times taken, Pod or "", id, ...}.
]]
local prefix, token, lock_ms, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local room, keep = tonumber(ARGV[6]), tonumber(ARGV[7])
local wait, active, delayed = KEYS[1], prefix .. "active", prefix .. "delayed"
local marker, meta, limiter = prefix .. "marker", prefix .. "meta", prefix .. "limiter"
local FIRST_ENDED = 8

-- BullMQ orders delayed jobs of one millisecond by what is below these bits.
local DELAY_SHIFT = 0x1000

local function map(list, change)
  local changed = {}
  for n, one in ipairs(list) do
    changed[n] = change(one)
  end
  return changed
end

local function lock_of(id)
  return prefix .. id .. ":lock"
end

local function delay(id, at)
  local last = redis.call("ZREVRANGEBYSCORE", delayed, (at + 1) * DELAY_SHIFT - 1, at * DELAY_SHIFT,
    "WITHSCORES", "LIMIT", 0, 1)
  local score = last[2] and math.min(tonumber(last[2]) + 1, (at + 1) * DELAY_SHIFT - 1) or at * DELAY_SHIFT
  redis.call("HSET", prefix .. id, "delay", math.max(0, at - now))
  redis.call("ZADD", delayed, string.format("%.0f", score), id)
end

local function finish(id, kind, text)
  local key = prefix .. id
  if kind == "completed" then
    redis.call("HSET", key, "returnvalue", text, "finishedOn", ARGV[4], "atm", 1)
  else
    redis.call("HSET", key, "failedReason", text, "stacktrace", cjson.encode({ text }),
      "finishedOn", ARGV[4], "atm", 1)
  end
end

-- The oldest beyond the number that is kept are removed.
local function keep_last(set)
  local excess = redis.call("ZRANGE", set, 0, -(keep + 1))
  if #excess == 0 then
    return
  end
  local keys = {}
  for _, id in ipairs(excess) do
    keys[#keys + 1] = prefix .. id
    keys[#keys + 1] = prefix .. id .. ":logs"
  end
  redis.call("DEL", unpack(keys))
  redis.call("ZREM", set, unpack(excess))
end

-- Whether any of them was delayed.
local function end_jobs()
  local any_delayed = false
  local ids, kinds, texts = {}, {}, {}
  for n = FIRST_ENDED, #ARGV, 3 do
    ids[#ids + 1], kinds[#kinds + 1], texts[#texts + 1] = ARGV[n], ARGV[n + 1], ARGV[n + 2]
  end
  if #ids == 0 then
    return false
  end
  local lock_keys = map(ids, lock_of)
  local holders = redis.call("MGET", unpack(lock_keys))
  local keys = map(ids, function(id) return prefix .. id end)
  -- Nearly always they are; else each is looked at.
  local all_there = redis.call("EXISTS", unpack(keys)) == #ids
  local locks, released, sets = {}, {}, {}
  for n, id in ipairs(ids) do
    if holders[n] == token then
      locks[#locks + 1], released[#released + 1] = lock_keys[n], id
      local was_active = redis.call("LREM", active, -1, id) > 0
      if was_active and (all_there or redis.call("EXISTS", keys[n]) == 1) then
        if kinds[n] == "delayed" then
          delay(id, tonumber(texts[n]))
          any_delayed = true
        elseif kinds[n] == "waiting" then
          redis.call("RPUSH", wait, id)
          redis.call("ZADD", marker, 0, "0")
        else
          finish(id, kinds[n], texts[n])
          local set = sets[kinds[n]] or {}
          sets[kinds[n]] = set
          set[#set + 1], set[#set + 2] = ARGV[4], id
        end
      end
    end
  end
  if #locks > 0 then
    redis.call("DEL", unpack(locks))
    redis.call("SREM", prefix .. "stalled", unpack(released))
  end
  for kind, members in pairs(sets) do
    redis.call("ZADD", prefix .. kind, unpack(members))
    keep_last(prefix .. kind)
  end
  return any_delayed
end

-- When the first delayed job is due; nil when there is none.
local function next_delayed()
  local first = redis.call("ZRANGE", delayed, 0, 0, "WITHSCORES")
  return first[2] and math.floor(tonumber(first[2]) / DELAY_SHIFT)
end

-- Delayed jobs that are due wait again, after those that wait already.
local function promote_due()
  local due = redis.call("ZRANGEBYSCORE", delayed, 0, (now + 1) * DELAY_SHIFT - 1, "LIMIT", 0, 1000)
  for _, id in ipairs(due) do
    redis.call("ZREM", delayed, id)
    redis.call("HSET", prefix .. id, "delay", 0)
    redis.call("LPUSH", wait, id)
  end
end

-- Jobs that may be handed out now, by what operators have set.
local function allowed()
  local set = redis.call("HMGET", meta, "paused", "concurrency", "max", "duration")
  if set[1] then
    return 0
  end
  local most = room
  if set[2] then
    most = math.min(most, tonumber(set[2]) - redis.call("LLEN", active))
  end
  if set[3] then
    local used = tonumber(redis.call("GET", limiter) or "0")
    most = math.min(most, tonumber(set[3]) - used)
    if most > 0 then
      return most, tonumber(set[4])
    end
  end
  return math.max(0, most)
end

local function pop(most)
  local ids = redis.call("RPOP", wait, most) or {}
  if #ids == 0 then
    -- Someone gave jobs priorities by hand.
    local popped = redis.call("ZPOPMIN", prefix .. "prioritized", most)
    for n = 1, #popped, 2 do
      ids[#ids + 1] = popped[n]
    end
  end
  return ids
end

local function hand_out(reply)
  local most, limited_ms = allowed()
  if most <= 0 then
    return
  end
  local ids = pop(most)
  if #ids == 0 then
    return
  end
  local found, names = {}, {}
  for _, id in ipairs(ids) do
    local job = redis.call("HMGET", prefix .. id, "name", "ats")
    -- Without its hash it was removed by hand.
    if job[1] then
      found[#found + 1] = { id, job[1], tonumber(job[2] or "0") + 1 }
      names[#names + 1] = job[1]
    end
  end
  if #found == 0 then
    return
  end
  local pods = redis.call("HMGET", KEYS[2], unpack(names))
  for n, job in ipairs(found) do
    redis.call("HSET", prefix .. job[1], "processedOn", ARGV[4], "pb", ARGV[5], "ats", job[3])
    redis.call("SET", lock_of(job[1]), token, "PX", lock_ms)
    reply[#reply + 1], reply[#reply + 2] = job[1], job[2]
    reply[#reply + 1], reply[#reply + 2] = job[3], pods[n] or ""
  end
  redis.call("LPUSH", active, unpack(map(found, function(job) return job[1] end)))
  if limited_ms and redis.call("INCRBY", limiter, #found) == #found then
    redis.call("PEXPIRE", limiter, limited_ms)
  end
  if redis.call("EXISTS", wait) == 1 then
    redis.call("ZADD", marker, 0, "0")
  end
end

local any_delayed = end_jobs()
local due_at = next_delayed()
if room > 0 and due_at and due_at <= now then
  promote_due()
  due_at = next_delayed()
end
local reply = { string.format("%.0f", due_at or 0) }
if room > 0 then
  hand_out(reply)
end
if any_delayed and due_at then
  redis.call("ZADD", marker, due_at, "1")
end
return reply
