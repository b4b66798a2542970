-- SPDX-License-Identifier: Apache-2.0
-- The load of scripts/bench: one small chat request, over and over. Times are printed in milliseconds.

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"model":"instant","messages":[{"role":"user","content":"Say hello."}]}'

function done(summary, latency)
    local errors = summary.errors
    local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    print(string.format("measured requests_per_second %.1f", summary.requests / (summary.duration / 1e6)))
    print(string.format("measured p50 %.3f", latency:percentile(50) / 1e3))
    print(string.format("measured p99 %.3f", latency:percentile(99) / 1e3))
    print(string.format("measured failures %d", failures))
end
