-- SPDX-License-Identifier: MIT
-- For wrk: <url> -- <name> <keys>
-- Charges with keys that begin with <name>: so many, over and over; if 0, a new one for every request. In the end one line:
-- requests, microseconds, the latency's median and 99th percentile in microseconds, and how many requests went wrong.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  local mark = "(key)"
  local text = wrk.format("POST", "/v1/charges", {
    ["Host"] = wrk.headers["Host"],
    ["Authorization"] = "Bearer sk_benchmark",
    ["Content-Type"] = "application/json",
    ["User-Agent"] = "benchmark/1",
    ["Accept"] = "application/json",
    ["Idempotency-Key"] = mark,
  }, '{"amount": 1999, "currency": "eur", "source": "tok_visa", "metadata": {"order": "1042", "express": true}}')
  local at = text:find(mark, 1, true)
  name = arguments[1]
  keys = tonumber(arguments[2])
  head = text:sub(1, at - 1)
  tail = text:sub(at + #mark)
  sent = 0
  ready = {}
  for i = 1, keys do
    ready[i] = head .. name .. "-" .. i .. tail
  end
end

function request()
  sent = sent + 1
  if keys > 0 then
    return ready[(sent - 1) % keys + 1]
  end
  return head .. name .. "-" .. number .. "-" .. sent .. tail
end

function done(summary, latency)
  local wrong = summary.errors
  print(string.format("result %d %d %d %d %d", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout))
end
