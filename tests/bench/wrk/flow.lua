-- SPDX-License-Identifier: ISC
--
-- flow.lua - browsers that go from /start to /callback. The provider's page
-- between them is left out: a code `any-CHALLENGE` is what it would have given
-- (the provider runs with grants=any, and checks the verifier against it).

local headers = { ["Sec-Fetch-Site"] = "same-origin",
    ["Sec-Fetch-Mode"] = "navigate", ["Sec-Fetch-Dest"] = "document" }
local start, callback
local back = {}		-- those who are back from the provider
local first, last = 1, 0
local threads = {}
flows, failed = 0, 0

function setup(thread)
	table.insert(threads, thread)
end

function init(args)
	start = wrk.path .. "/start?provider=interact&return_to=/account" ..
	    "&bind=0123456789abcdef0123456789abcdef"
	callback = wrk.path .. "/callback/interact?code=any-"
end

function request()
	if first > last then
		return wrk.format("GET", start, headers)
	end
	local browser = back[first]
	back[first] = nil
	first = first + 1
	return wrk.format("GET", callback .. browser.challenge .. "&state=" ..
	    browser.state, { Cookie = browser.cookie })
end

function response(status, answered, body)
	local location = answered["Location"] or answered["location"] or ""
	local cookie = answered["Set-Cookie"] or answered["set-cookie"]
	local challenge = location:match("[?&]code_challenge=([^&]+)")

	if challenge ~= nil and cookie ~= nil then
		last = last + 1
		back[last] = { challenge = challenge,
		    state = location:match("[?&]state=([^&]+)"),
		    cookie = cookie:match("^[^;]+") }
	elseif location:find("status=connected", 1, true) then
		flows = flows + 1
	else
		failed = failed + 1
	end
end

function done(summary, latency, requests)
	local n, wrong = 0, 0
	for _, thread in ipairs(threads) do
		n = n + thread:get("flows")
		wrong = wrong + thread:get("failed")
	end
	print("done: " .. n)
	if wrong > 0 then
		print("failed: " .. wrong)
	end
end
