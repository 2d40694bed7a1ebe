--[[
  Applies transactions, each whole or not at all, in order.

  KEYS[1]  the cell's revision counter (every other key shares its hash tag)
  ARGV[1]  prefix of all keys, ends in ":"
  ARGV[2]  longest length of each watch stream (approximate)
  ARGV[3]  number of transactions
  then each transaction: number of operations, and its operations:
    c  resource key body              create; fails "exists"
    u  resource key rv body prev      update; rv "" = whatever is there; fails "missing", "stale"
    d  resource key rv                delete; rv as in u; fails "missing", "stale"
    ?  resource key rv                only checks; rv "-" = absent, "" = there
    h  suffix field value             only checks a hash field's value ("" = absent); fails "stale"
    r  count command suffix args...   any command on one key of the cell (count = 2 + number of args)
    x  suffix field value             removes a hash field if it still has this value

  Returns for each transaction a list: {0, rv...} with one resourceVersion per c, u and d,
  or {code, n}: n = position of the operation that failed; code 1 exists, 2 missing, 3 stale.

  An object is kept as "<rv> <body>". A watch entry has: t (A, M or D), k key, b body, and
  p (what selectors saw before) where prev is given.
]]
local prefix, maxlen = ARGV[1], ARGV[2]
local at = 4
local arity = { c = 3, u = 5, d = 3, ["?"] = 3, h = 3, x = 3 }
local EXISTS, MISSING, STALE = 1, 2, 3

local function revision(value)
  return string.sub(value, 1, string.find(value, " ", 1, true) - 1)
end

-- 0 when the stored value meets what the operation expects of it.
local function mismatch(value, expected)
  if expected == "-" then
    return value and EXISTS or 0
  end
  if not value then
    return MISSING
  end
  if expected ~= "" and revision(value) ~= expected then
    return STALE
  end
  return 0
end

local function read()
  local operations = {}
  local count = tonumber(ARGV[at])
  at = at + 1
  for n = 1, count do
    local code = ARGV[at]
    local size = arity[code]
    if not size then
      size = tonumber(ARGV[at + 1]) + 1
    end
    operations[n] = at
    at = at + 1 + size
  end
  return operations
end

local function check(operations)
  for n, i in ipairs(operations) do
    local code = ARGV[i]
    local failure = 0
    if code == "c" then
      failure = mismatch(redis.call("HGET", prefix .. "o:" .. ARGV[i + 1], ARGV[i + 2]), "-")
    elseif code == "u" or code == "d" or code == "?" then
      failure =
        mismatch(redis.call("HGET", prefix .. "o:" .. ARGV[i + 1], ARGV[i + 2]), ARGV[i + 3])
    elseif code == "h" then
      local value = redis.call("HGET", prefix .. ARGV[i + 1], ARGV[i + 2])
      if (value or "") ~= ARGV[i + 3] then
        failure = STALE
      end
    end
    if failure ~= 0 then
      return { failure, n - 1 }
    end
  end
  return nil
end

local function announce(resource, rv, type, key, body, prev)
  local stream = prefix .. "w:" .. resource
  if prev and prev ~= "" then
    redis.call("XADD", stream, "MAXLEN", "~", maxlen, rv .. "-0", "t", type, "k", key, "b", body, "p", prev)
  else
    redis.call("XADD", stream, "MAXLEN", "~", maxlen, rv .. "-0", "t", type, "k", key, "b", body)
  end
end

local function apply(operations)
  local result = { 0 }
  for _, i in ipairs(operations) do
    local code = ARGV[i]
    if code == "c" or code == "u" then
      local resource, key = ARGV[i + 1], ARGV[i + 2]
      local body = code == "c" and ARGV[i + 3] or ARGV[i + 4]
      local rv = string.format("%.0f", redis.call("INCR", KEYS[1]))
      redis.call("HSET", prefix .. "o:" .. resource, key, rv .. " " .. body)
      if code == "c" then
        redis.call("ZADD", prefix .. "i:" .. resource, 0, key)
        announce(resource, rv, "A", key, body)
      else
        announce(resource, rv, "M", key, body, ARGV[i + 5])
      end
      result[#result + 1] = rv
    elseif code == "d" then
      local resource, key = ARGV[i + 1], ARGV[i + 2]
      local value = redis.call("HGET", prefix .. "o:" .. resource, key)
      local rv = string.format("%.0f", redis.call("INCR", KEYS[1]))
      redis.call("HDEL", prefix .. "o:" .. resource, key)
      redis.call("ZREM", prefix .. "i:" .. resource, key)
      announce(resource, rv, "D", key, string.sub(value, string.find(value, " ", 1, true) + 1))
      result[#result + 1] = rv
    elseif code == "x" then
      local suffix, field = ARGV[i + 1], ARGV[i + 2]
      if redis.call("HGET", prefix .. suffix, field) == ARGV[i + 3] then
        redis.call("HDEL", prefix .. suffix, field)
      end
    elseif code == "r" then
      local count = tonumber(ARGV[i + 1])
      redis.call(ARGV[i + 2], prefix .. ARGV[i + 3], unpack(ARGV, i + 4, i + 1 + count))
    end
  end
  return result
end

local results = {}
for n = 1, tonumber(ARGV[3]) do
  local operations = read()
  results[n] = check(operations) or apply(operations)
end
return results
