#!lua
--[[
  Renews a scheduler's lease and mends the workqueue: gives back what nobody holds any more, and puts
  on the queue what is marked and neither there nor held.

  KEYS[1]  sorted set token -> end of its lease, Unix ms
  ARGV[1]  prefix of all keys, ends in ":"
  ARGV[2]  the scheduler's token
  ARGV[3]  now, Unix ms; ARGV[4] end of its lease
  ARGV[5]  most marks to look at; with more of them, a random choice
  ARGV[6...]  keys that the scheduler holds; others under its token were handed out in vain

  Returns {keys given back, keys put on the queue}.
]]
local token = ARGV[2]
local queue = work_queue(ARGV[1])
redis.call("ZADD", KEYS[1], ARGV[4], token)
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", ARGV[3])

local alive, held = {}, {}
for _, one in ipairs(redis.call("ZRANGE", KEYS[1], 0, -1)) do
  alive[one] = true
end
for n = 6, #ARGV do
  held[ARGV[n]] = true
end

local given_back = 0
local taken = redis.call("HGETALL", queue.taken)
for n = 1, #taken, 2 do
  local key, holder = taken[n], taken[n + 1]
  if not alive[holder] or (holder == token and not held[key]) then
    queue.release({ key })
    given_back = given_back + 1
  end
end

local put = 0
for _, key in ipairs(redis.call("HRANDFIELD", queue.dirty, ARGV[5])) do
  put = put + queue.offer(key)
end
if redis.call("EXISTS", queue.ready) == 1 then
  queue.ring()
end
return { given_back, put }
