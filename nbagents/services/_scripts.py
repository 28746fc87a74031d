"""What services ask Redis: scripts, each of which is done whole, with nobody else in between.

The states of a session are a hash: ``latest``, and each round after an ``r``. A session is a list, its first
entry a mark, so that there are sessions without messages; the sessions of a user are a sorted set.
"""

from __future__ import annotations

__all__ = ["APPEND", "DELETE", "EXPORT", "GET", "GIVE", "LIST", "SAVE", "TAKE"]

SAVE = """
local latest = tonumber(redis.call('HGET', KEYS[1], 'latest') or '0')
if not latest then return redis.error_reply('nbagents-damaged') end
local n = latest + 1
if ARGV[1] ~= '' then n = tonumber(ARGV[1]) end
if n > latest then latest = n end
redis.call('HSET', KEYS[1], 'latest', string.format('%.0f', latest), string.format('r%.0f', n), ARGV[2])
if ARGV[3] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return n
"""

EXPORT = """
local n = ARGV[1]
if n == '' then n = redis.call('HGET', KEYS[1], 'latest') end
if not n then return nil end
if ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local state = redis.call('HGET', KEYS[1], 'r' .. n)
if not state and ARGV[1] == '' then return redis.error_reply('nbagents-damaged') end
return state
"""

_BEGIN = """
local function begin(name, ttl)
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('RPUSH', KEYS[1], 'session')
    local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
    redis.call('ZADD', KEYS[2], (tonumber(last[2]) or 0) + 1, name)
  end
  if ttl ~= '' then
    redis.call('PEXPIRE', KEYS[1], ttl)
    redis.call('PEXPIRE', KEYS[2], ttl)
  end
end
"""

GET = f"""
{_BEGIN}
begin(ARGV[1], ARGV[2])
return redis.call('LRANGE', KEYS[1], 1, -1)
"""

APPEND = f"""
{_BEGIN}
redis.call('LLEN', KEYS[1])
begin(ARGV[1], ARGV[2])
for i = 3, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
"""

DELETE = """
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
"""

LIST = """
local found = {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('EXISTS', ARGV[1] .. name) == 1 then
    found[#found + 1] = name
  else
    redis.call('ZREM', KEYS[1], name)
  end
end
return found
"""

TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

GIVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
